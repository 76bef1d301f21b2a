-- mechanism: secrets_and_settings
-- rule: refused_function
-- column: x
select current_setting('temp_directory') as x from {{ ref('dim_regions') }}
