-- mechanism: case
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> case -> code
-- also: personal_rows
select case when sex = 'f' then person_key else 'm' end as code from {{ ref('psn_people') }}
