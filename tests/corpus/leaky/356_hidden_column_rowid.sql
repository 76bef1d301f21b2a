-- mechanism: hidden_column
-- rule: unknown_column
-- column: rowid
-- also: personal_rows pseudonym
select rowid from {{ ref('psn_people') }}
