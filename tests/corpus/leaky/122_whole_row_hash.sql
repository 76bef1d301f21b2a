-- mechanism: whole_row
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> hash() -> code
-- also: personal_rows
select hash(people) as code from {{ ref('psn_people') }} as people
