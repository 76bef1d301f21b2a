-- mechanism: quoted_name
-- rule: pseudonym
-- column: CODE
-- path: psn_people.person_key -> CODE
-- also: personal_rows
select "PERSON_KEY" as "CODE" from {{ ref('psn_people') }}
