-- mechanism: quoted_name
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select "P"."person_KEY" as code from {{ ref('psn_people') }} as p
