-- mechanism: rare_group_count
-- rule: pseudonym
-- column: n
-- path: psn_people.person_key -> list() -> len() -> n
-- also: personal_rows unguarded_aggregate
select region, len(list(person_key)) as n from {{ ref('psn_people') }} group by region
