-- mechanism: columns_expression
-- rule: unfollowable
-- column: x
-- also: personal_rows pseudonym
select coalesce(*columns('.*_key')) as x from {{ ref('psn_people') }}
