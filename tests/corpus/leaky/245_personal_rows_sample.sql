-- mechanism: personal_rows
-- rule: personal_rows
-- column: income
-- path: psn_people.income -> income
select income from {{ ref('psn_people') }} using sample 5 rows
