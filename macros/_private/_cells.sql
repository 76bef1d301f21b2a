{#-
    The columns of a mart by what they are: `count`, `counts` (with it), `measures` and `grain`, each
    quoted. Refuses names that the table lacks and types that cannot be judged: a NaN is above every
    threshold, and a fraction in the grain would be a measure in disguise.
-#}
{% macro _cells(model, count_column, grain, magnitudes) %}
    {%- set cells = {'count': 'null', 'counts': [], 'measures': ['null'], 'grain': []} -%}
    {%- if not execute -%}
        {{- return(dict(cells, counts=['null'])) -}}
    {%- endif -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(model) -%}
        {%- do types.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- set where = 'test `no_small_cells` on ' ~ model.identifier -%}
    {%- for name in [count_column] + grain + magnitudes if types and name | lower not in types -%}
        {%- do veil._refuse(where ~ ' names `' ~ name ~ '`, which the table does not have.',
            'Name existing columns.') -%}
    {%- endfor -%}
    {%- set names = grain | map('lower') | list -%}
    {%- if count_column | lower in names + magnitudes | map('lower') | list -%}
        {%- do veil._refuse(where ~ ' names its count column twice.',
            'Take it out of `grain` and `magnitudes`.') -%}
    {%- endif -%}
    {%- for name, column in types.items() -%}
        {%- set quoted = veil._quoted(column.name) -%}
        {%- set family = veil._type_family(column.dtype) -%}
        {%- if name in names -%}
            {%- if family in ['number', 'other'] -%}
                {%- do veil._refuse(where ~ ' has `' ~ column.name ~ '` in its grain, which is no '
                    ~ 'text, whole number, date or truth.', 'Take it out of `grain`.') -%}
            {%- endif -%}
            {%- do cells.grain.append(quoted) -%}
        {%- elif name == count_column | lower -%}
            {%- if family != 'integer' -%}
                {%- do veil._refuse(where ~ ' counts in `' ~ column.name ~ '`, which is no whole '
                    ~ 'number.', 'Cast it to bigint.') -%}
            {%- endif -%}
            {%- do cells.update({'count': quoted}) -%}
            {%- do cells.counts.append(quoted) -%}
        {%- else -%}
            {%- do cells.measures.append(quoted) -%}
            {%- if family == 'integer' and name not in magnitudes | map('lower') | list -%}
                {%- do cells.counts.append(quoted) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(cells) }}
{% endmacro %}
