-- mechanism: unclassified
-- rule: unclassified
-- also: personal_rows
select remark from {{ ref('psn_untagged') }}
