-- mechanism: wrong_layer
-- rule: layer
-- also: personal_rows
select joined_year from {{ ref('seed_members') }}
