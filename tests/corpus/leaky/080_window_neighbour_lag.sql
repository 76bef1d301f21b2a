-- mechanism: window_neighbour
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> lag() -> code
-- also: personal_rows unguarded_aggregate
select lag(person_key) over (order by age) as code from {{ ref('psn_people') }}
