-- mechanism: class_lowered
-- rule: class_lowered
-- column: code
-- path: raw_people.ssn -> code
-- layer: raw
-- declares: code=quasi_identifier
select ssn as code from {{ ref('raw_people') }}
