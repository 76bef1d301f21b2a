-- mechanism: error_message
-- rule: error_message
-- column: x
-- path: psn_people.person_key -> error()
-- also: personal_rows
select error(person_key) as x from {{ ref('psn_people') }}
