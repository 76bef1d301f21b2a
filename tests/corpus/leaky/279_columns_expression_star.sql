-- mechanism: columns_expression
-- rule: unfollowable
-- column: #1
-- also: personal_rows pseudonym
select columns(*)::varchar from {{ ref('psn_people') }}
