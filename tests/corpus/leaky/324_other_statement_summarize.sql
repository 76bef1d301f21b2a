-- mechanism: other_statement
-- rule: statement
summarize {{ ref('raw_people') }}
