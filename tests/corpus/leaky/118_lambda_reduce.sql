-- mechanism: lambda
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> list_reduce() -> code
-- also: personal_rows
select list_reduce([person_key, sex], lambda a, b: a || b) as code from {{ ref('psn_people') }}
