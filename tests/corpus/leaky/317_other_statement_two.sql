-- mechanism: other_statement
-- rule: statement
select 1 as x; select ssn from {{ ref('raw_people') }}
