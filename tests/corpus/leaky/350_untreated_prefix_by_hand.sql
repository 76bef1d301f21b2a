-- mechanism: untreated
-- rule: direct_identifier
-- column: initial
-- path: raw_people.full_name -> left() -> initial
-- layer: pseudonymized
select left(full_name, 1) as initial from {{ ref('raw_people') }}
