-- mechanism: hidden_column
-- rule: unfollowable
-- runs: no
select * from {{ ref('psn_people') }} at (version => 1)
