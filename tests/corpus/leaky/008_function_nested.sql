-- mechanism: function
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> trim() -> replace() -> reverse() -> code
-- also: personal_rows
select reverse(replace(trim(person_key), 'p1_', '')) as code from {{ ref('psn_people') }}
