-- mechanism: struct
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> struct_extract() -> code
-- also: personal_rows
select struct_extract({'id': person_key}, 'id') as code from {{ ref('psn_people') }}
