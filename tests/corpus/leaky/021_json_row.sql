-- mechanism: json
-- rule: direct_identifier
-- column: code
-- path: raw_people.person_id -> row_to_json() -> code
-- also: layer personal_rows
select row_to_json(p) as code from {{ ref('raw_people') }} as p
