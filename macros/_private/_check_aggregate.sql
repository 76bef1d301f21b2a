{#-
    Refuse an aggregate that shows one person's own value however many stand behind the cell, and a
    `filter` of its own, under which fewer people stand than the guard counts.
-#}
{% macro _check_aggregate(expression) %}
    {%- set one = '(?i)\\b(min|max|any_value|first|last|arbitrary|arg_min|arg_max|min_by|max_by|mode|'
        ~ 'list|array_agg|string_agg|group_concat|listagg|histogram|quantile\\w*|approx_top_k)\\s*\\(' -%}
    {%- set found = modules.re.search(one, expression) -%}
    {%- if found -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` guards `' ~ found.group(1) | lower ~ '`, which shows the value'
            ~ ' of one person.',
            'Use a count, a sum, a mean or a median.'
        ) -%}
    {%- endif -%}
    {%- if modules.re.search('(?i)\\bfilter\\s*\\(', expression) -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` guards an aggregate with a `filter` of its own, under which'
            ~ ' fewer people stand.',
            'Give the condition to `suppress_small` as `where`.'
        ) -%}
    {%- endif -%}
{% endmacro %}
