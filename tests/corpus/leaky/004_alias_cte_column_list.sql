-- mechanism: alias
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> code
-- also: layer personal_rows
with people(code) as (select ssn from {{ ref('raw_people') }}) select code from people
