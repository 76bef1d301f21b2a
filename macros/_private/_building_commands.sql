{#- The dbt commands that write tables. -#}
{% macro _building_commands() %}
    {{ return(['build', 'run', 'retry', 'seed', 'snapshot', 'clone']) }}
{% endmacro %}
