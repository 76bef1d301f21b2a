-- mechanism: personal_rows
-- rule: personal_rows
-- column: i
-- path: psn_people.*
select row_number() over () as i from {{ ref('psn_people') }}
