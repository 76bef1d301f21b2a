-- mechanism: class_lowered
-- rule: unclassified
-- column: extra
-- layer: raw
-- declares: city=quasi_identifier
select city, ssn as extra from {{ ref('raw_people') }}
