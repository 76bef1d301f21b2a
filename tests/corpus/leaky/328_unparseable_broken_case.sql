-- mechanism: unparseable
-- rule: unparseable
-- runs: no
select case when then person_key end from {{ ref('psn_people') }}
