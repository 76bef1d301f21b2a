-- mechanism: untreated
-- rule: direct_identifier
-- column: code
-- path: raw_people.ssn -> sha256() -> code
-- layer: pseudonymized
select sha256(ssn) as code from {{ ref('raw_people') }}
