-- mechanism: function
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> upper() -> code
-- also: layer personal_rows
select upper(ssn) as code from {{ ref('raw_people') }}
