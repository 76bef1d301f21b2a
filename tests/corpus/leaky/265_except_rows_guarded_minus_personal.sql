-- mechanism: except_rows
-- rule: personal_rows
-- column: region
-- path: psn_people.region -> region
select region from {{ ref('dim_regions') }} except select region from {{ ref('psn_people') }}
