-- mechanism: unparseable
-- rule: unparseable
-- runs: no
select (person_key from {{ ref('psn_people') }}
