-- mechanism: struct
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select map {'id': person_key}['id'] as code from {{ ref('psn_people') }}
