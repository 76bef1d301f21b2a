-- mechanism: unparseable
-- rule: unparseable
-- runs: no
select person_key, from, where {{ ref('psn_people') }}
