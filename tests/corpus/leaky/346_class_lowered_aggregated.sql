-- mechanism: class_lowered
-- rule: class_lowered
-- column: names
-- path: raw_people.full_name -> string_agg() -> names
-- layer: raw
-- declares: city=quasi_identifier names=sensitive
select city, string_agg(full_name, ',') as names from {{ ref('raw_people') }} group by city
