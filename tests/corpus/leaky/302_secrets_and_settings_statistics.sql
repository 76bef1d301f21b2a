-- mechanism: secrets_and_settings
-- rule: refused_function
-- column: x
-- also: personal_rows
select distinct stats(income) as x from {{ ref('psn_people') }}
