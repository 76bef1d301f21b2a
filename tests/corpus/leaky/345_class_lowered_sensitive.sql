-- mechanism: class_lowered
-- rule: class_lowered
-- column: band
-- path: raw_people.income -> band
-- layer: raw
-- declares: band=non_sensitive
select income // 1000 as band from {{ ref('raw_people') }}
