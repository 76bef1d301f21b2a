-- mechanism: unguarded_mean
-- rule: unguarded_aggregate
-- column: income_mean
-- path: psn_people.income -> avg() -> int_region_totals.income_mean -> income_mean
-- also: personal_rows
select region, income_mean from {{ ref('int_region_totals') }}
