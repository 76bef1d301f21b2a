-- mechanism: laundered_by_model
-- rule: pseudonym
-- column: label
-- path: psn_people.person_key -> int_people_coded.code -> label
-- also: personal_rows
select code as label from {{ ref('int_people_coded') }}
