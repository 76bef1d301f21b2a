-- mechanism: quoted_name
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select psn_people.person_key as code from {{ ref('psn_people') }}
