-- mechanism: other_statement
-- rule: statement
describe {{ ref('raw_people') }}
