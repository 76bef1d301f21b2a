-- mechanism: class_lowered
-- rule: class_lowered
-- column: code
-- path: raw_people.ssn -> case -> code
-- layer: raw
-- declares: code=non_sensitive
select case when ssn like '9%' then 1 else 0 end as code from {{ ref('raw_people') }}
