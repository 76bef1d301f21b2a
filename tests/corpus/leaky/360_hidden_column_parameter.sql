-- mechanism: hidden_column
-- rule: unfollowable
-- column: code
-- also: personal_rows pseudonym
select $1 as code from {{ ref('psn_people') }}
