-- mechanism: personal_rows
-- rule: personal_rows
-- column: x
-- path: psn_people.*
select 'x' as x from {{ ref('psn_people') }}
