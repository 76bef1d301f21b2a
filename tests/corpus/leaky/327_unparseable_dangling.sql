-- mechanism: unparseable
-- rule: unparseable
-- runs: no
select person_key as code from {{ ref('psn_people') }} where
