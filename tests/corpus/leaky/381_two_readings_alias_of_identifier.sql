-- mechanism: two_readings
-- rule: pseudonym
-- column: sex
-- path: psn_people.person_key -> sex
-- also: personal_rows
select person_key as sex, upper(sex) as sex2, sex as k from {{ ref('psn_people') }}
