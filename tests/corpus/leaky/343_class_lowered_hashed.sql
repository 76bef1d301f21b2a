-- mechanism: class_lowered
-- rule: class_lowered
-- column: code
-- path: raw_people.email -> md5() -> code
-- layer: raw
-- declares: code=non_sensitive
select md5(email) as code from {{ ref('raw_people') }}
