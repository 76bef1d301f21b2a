-- mechanism: columns_expression
-- rule: unfollowable
-- column: #1
-- also: personal_rows pseudonym
select columns(c -> c like 'person%') from {{ ref('psn_people') }}
