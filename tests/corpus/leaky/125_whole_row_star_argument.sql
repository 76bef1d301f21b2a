-- mechanism: whole_row
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> struct_pack() -> code
-- also: personal_rows
select struct_pack(k := p).k as code from {{ ref('psn_people') }} as p
