-- mechanism: quoted_name
-- rule: pseudonym
-- column: code
-- path: psn_people.person_key -> code
-- also: personal_rows
select Person_Key as code from "PSEUDONYMIZED"."Main"."PSN_People"
