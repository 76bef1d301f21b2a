-- mechanism: struct
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> struct_pack() -> code
-- also: personal_rows
select struct_pack(id := person_key, s := sex) as code from {{ ref('psn_people') }}
