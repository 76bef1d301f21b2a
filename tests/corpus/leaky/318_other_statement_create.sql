-- mechanism: other_statement
-- rule: statement
create table leak as select ssn from {{ ref('raw_people') }}
