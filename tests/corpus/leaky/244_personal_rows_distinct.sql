-- mechanism: personal_rows
-- rule: personal_rows
-- column: occupation
-- path: psn_people.occupation -> occupation
select distinct occupation from {{ ref('psn_people') }}
