-- mechanism: error_message
-- rule: error_message
-- column: x
-- path: psn_people.income -> max() -> error()
select error(cast(max(income) as varchar)) as x from {{ ref('psn_people') }}
