-- mechanism: unnest
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> list() -> unnest() -> code
-- also: unguarded_aggregate
select unnest(ks) as code from (select list(person_key) as ks from {{ ref('psn_people') }})
