-- mechanism: other_statement
-- rule: statement
copy (select ssn from {{ ref('raw_people') }}) to 'leak.csv'
