-- mechanism: union
-- rule: direct_identifier
-- column: region
-- path: raw_people.ssn -> region
-- also: layer personal_rows
select region from {{ ref('dim_regions') }} union select ssn from {{ ref('raw_people') }}
