-- mechanism: alias
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select t.code from (select person_key, sex from {{ ref('psn_people') }}) as t(code, sex)
