-- mechanism: personal_rows
-- rule: personal_rows
-- column: sex
-- path: psn_people.sex -> sex
select sex, age, region from {{ ref('psn_people') }}
