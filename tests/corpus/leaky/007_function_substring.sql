-- mechanism: function
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> substring() -> code
-- also: personal_rows
select substring(person_key, 10, 6) as code from {{ ref('psn_people') }}
