-- mechanism: other_statement
-- rule: statement
-- runs: no
insert into dim_codes select ssn from {{ ref('raw_people') }}
