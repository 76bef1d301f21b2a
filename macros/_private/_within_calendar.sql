{#-
    Whether a date or timestamp lies where arithmetic on it cannot overflow: DuckDB's overflow errors
    stop the build. `try()` is no way out where a keyed function is called inside, because it would
    turn a missing key into NULL.
-#}
{% macro _within_calendar(column, data_type, margin=false) %}
    {%- set limits = ['290000-01-01 (BC)', '290000-01-01'] -%}
    {%- if data_type == 'timestamp_ns' -%}
        {%- set limits = ['1688-01-01', '2252-01-01'] if margin else ['1677-09-22', '2262-04-10'] -%}
    {%- endif -%}
    {{ return(
        column ~ ' between ' ~ "cast('" ~ limits[0] ~ "' as " ~ data_type ~ ')'
        ~ " and cast('" ~ limits[1] ~ "' as " ~ data_type ~ ')'
    ) }}
{% endmacro %}
