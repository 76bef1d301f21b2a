-- mechanism: lambda
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> list_transform() -> code
-- also: personal_rows
select list_transform([person_key], x -> upper(x)) as code from {{ ref('psn_people') }}
