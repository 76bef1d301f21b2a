-- mechanism: personal_rows
-- rule: personal_rows
-- column: region
-- path: psn_people.region -> region
select region, occupation from {{ ref('psn_people') }} group by region, occupation
