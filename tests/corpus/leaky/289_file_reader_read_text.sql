-- mechanism: file_reader
-- rule: table_function
select content from read_text('state/keyring.json')
