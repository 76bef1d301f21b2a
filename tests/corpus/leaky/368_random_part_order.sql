-- mechanism: random_part
-- rule: unfollowable
-- also: personal_rows
select income from {{ ref('psn_people') }} order by random() limit 3
