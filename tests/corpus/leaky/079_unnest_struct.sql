-- mechanism: unnest
-- rule: pseudonym
-- column: id
-- path: psn_people.person_key -> unnest() -> id
-- also: personal_rows unknown_column
select id from (select unnest({'id': person_key}) from {{ ref('psn_people') }})
