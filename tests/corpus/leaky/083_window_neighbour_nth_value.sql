-- mechanism: window_neighbour
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> nth_value() -> code
-- also: personal_rows unguarded_aggregate
select nth_value(person_key, 2) over (order by income desc) as code from {{ ref('psn_people') }}
