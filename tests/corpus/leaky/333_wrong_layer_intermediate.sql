-- mechanism: wrong_layer
-- rule: layer
-- layer: intermediate
select joined_year, city from {{ ref('seed_members') }}
