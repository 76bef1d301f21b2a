-- mechanism: error_message
-- rule: error_message
-- column: x
-- path: psn_people.sex -> format() -> error()
-- also: personal_rows
select error(format('{} earns {}', sex, income)) as x from {{ ref('psn_people') }}
