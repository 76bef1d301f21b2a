-- mechanism: hash
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> create_sort_key() -> code
-- also: personal_rows
select create_sort_key(person_key, 'ASC NULLS LAST') as code from {{ ref('psn_people') }}
