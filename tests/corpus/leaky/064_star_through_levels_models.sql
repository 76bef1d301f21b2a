-- mechanism: star_through_levels
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> int_people_coded.code -> int_people_star.code -> code
-- also: personal_rows
select * from {{ ref('int_people_star') }}
