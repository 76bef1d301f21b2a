-- mechanism: personal_rows
-- rule: personal_rows
-- column: income
-- path: psn_people.income -> income
select region, income from {{ ref('psn_people') }} order by income desc limit 1
