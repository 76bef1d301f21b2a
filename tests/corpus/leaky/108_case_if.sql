-- mechanism: case
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> case -> code
-- also: layer personal_rows
select if(ssn like '1%', 'a', 'b') as code from {{ ref('raw_people') }}
