-- mechanism: unclassified
-- rule: unclassified
-- also: personal_rows pseudonym
select * from {{ ref('psn_untagged') }}
