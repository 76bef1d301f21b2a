-- mechanism: lambda
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select [x || '!' for x in [person_key]] as code from {{ ref('psn_people') }}
