{#-
    Whether this run works on part of its input, `--empty` or `--sample`. Jinja's `flags` knows the
    first only, so the plugin is asked.
-#}
{% macro _is_partial_run() %}
    {{ return(veil._bridge('is_partial_run', {})) }}
{% endmacro %}
