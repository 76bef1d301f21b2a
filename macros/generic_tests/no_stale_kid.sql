{#-
    Every pseudonym of the model is under a key in use: the primary key of its domain, or an older
    one whose overlap window is open. The ids of those keys come from the plugin.

    A random token is under no key: a model whose keys are all of that kind passes.

    columns  columns that hold pseudonyms though the model's own YAML does not mask them, each with
             its `privacy_domain`; those with `privacy_mask: pseudonym` are found by themselves
-#}
{% test no_stale_kid(model, columns={}) %}
    {#- Only a command that runs the test needs the plugin, which knows the keys. -#}
    {%- if not execute or flags.WHICH not in veil._building_commands() + ['test'] -%}
        {{- return("select 'no key is asked here' as breach where false") -}}
    {%- endif -%}
    {%- set domains = dict(columns) -%}
    {%- set tokens = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type in ['model', 'snapshot'] and node.relation_name == model | string -%}
        {%- for name, column in node.columns.items() -%}
            {%- set meta = veil._privacy_meta(column, node.name ~ '.' ~ name) -%}
            {%- if meta.get('privacy_mask') == 'pseudonym' -%}
                {%- do domains.update({name: meta.get('privacy_domain')}) -%}
            {%- elif meta.get('privacy_mask') == 'random_token' -%}
                {%- do tokens.append(name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if tokens and not domains -%}
        {#- A random token stands under no key: it outlives each of them. -#}
        {{- return("select 'no key stands in a random token' as breach where false") -}}
    {%- endif -%}
    {%- if not domains -%}
        {%- do veil._refuse('test `no_stale_kid` on ' ~ model.identifier ~ ' knows no pseudonym.',
            'Name columns and their domains: `columns: {person_key: person}`.') -%}
    {%- endif -%}
    {%- for name, domain in domains.items() %}
        {%- set heads = [] -%}
        {%- for kid in veil._bridge('pseudonym_kids', {'domain': domain}) -%}
            {%- do heads.append(veil._literal('p1_' ~ kid ~ '_')) -%}
        {%- endfor %}
    select {{ veil._literal('`' ~ name ~ '` holds what is no pseudonym under a key in use') }} as breach
    where exists (
        select 1 from {{ model }}
        where substr({{ veil._quoted(name) }}, 1, 12) not in ({{ heads | join(', ') }})
            or length({{ veil._quoted(name) }}) <> 44
    )
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endtest %}
