-- mechanism: lambda
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> || -> code
-- also: personal_rows
select list_transform([1, 2], x -> person_key || x) as code from {{ ref('psn_people') }}
