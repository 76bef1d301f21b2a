{#- Refuses the run, before anything is built, where the project breaks a rule of its own. -#}
{% macro start_run() %}
    {{ return(adapter.dispatch('start_run', 'veil')()) }}
{% endmacro %}

{% macro default__start_run() %}
    {%- if execute and flags.WHICH in veil._building_commands() -%}
        {%- for line in veil._bridge('start_run', {
            'graph': graph,
            'command': flags.WHICH,
            'target': target.name,
            'selected': selected_resources,
            'profile': target.profile_name,
            'threshold': var('veil:threshold', 11),
            'publish': var('veil:publish', true),
            'waivers': var('veil:waivers', []),
        }) -%}
            {%- do log('veil: ' ~ line, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
