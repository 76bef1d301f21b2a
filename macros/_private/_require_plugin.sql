{#- Refuse a target without the plugin: there nothing could be masked or gated. -#}
{% macro _require_plugin() %}
    {%- set found = [] -%}
    {%- for plugin in adapter.config.credentials.plugins or []
        if plugin.module == 'veil.plugin' and plugin.alias == 'veil' -%}
        {%- do found.append(plugin) -%}
    {%- endfor -%}
    {%- if not found -%}
        {%- do veil._refuse(
            'target `' ~ target.name ~ '` of profile `' ~ target.profile_name ~ '` has no plugin'
            ~ ' `veil.plugin` with `alias: veil`, so nothing can be masked or gated.',
            'Add the lines that `veil init` prints, or build with a target that has them.'
        ) -%}
    {%- endif -%}
{% endmacro %}
