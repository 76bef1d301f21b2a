{#-
    Notes in the audit record how the run ended, and looks through every file that it has written,
    for keys and for the values of direct identifiers; then publishes what passed and reports what
    holds an audience back.
-#}
{% macro finish_run(results) %}
    {{ return(adapter.dispatch('finish_run', 'veil')(results)) }}
{% endmacro %}

{% macro default__finish_run(results) %}
    {%- if execute and flags.WHICH in veil._building_commands() -%}
        {%- set request = {'graph': graph, 'threshold': var('veil:threshold', 11)} -%}
        {%- set states = {} -%}
        {%- for result in results -%}
            {%- do states.update({result.node.unique_id: result.status | string}) -%}
        {%- endfor -%}
        {%- do veil._bridge('note_end', {'states': states, 'command': flags.WHICH}) -%}
        {#- Before anything is published, and once more over what was. -#}
        {%- do veil._bridge('scan', dict(request, before=true)) -%}
        {%- if flags.WHICH in ['build', 'run', 'retry']
            and var('veil:publish', true)
            and not veil._is_partial_run() -%}
            {%- for line in veil._bridge('publish', dict(request, states=states)) -%}
                {%- do log('veil: ' ~ line, info=true) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- for line in veil._bridge('scan', dict(request, before=false)) -%}
            {%- do log('veil: ' ~ line, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
