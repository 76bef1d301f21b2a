{#- Every column of the raw model is treated, or named in `privacy_drop`. -#}
{% macro _check_coverage(parent, classes, treated, dropped) %}
    {%- for name in dropped if name not in classes or name in treated -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` names `' ~ name ~ '` in `privacy_drop`, but '
            ~ ('it also has a treatment.' if name in treated
                else '`' ~ parent.name ~ '` has no such column.'),
            'Take it out of `privacy_drop`.'
        ) -%}
    {%- endfor -%}
    {%- for name in classes if name not in treated and name not in dropped -%}
        {%- do veil._refuse(
            'model `' ~ model.name ~ '` does not say what becomes of `' ~ parent.name
            ~ '` column `' ~ name ~ '`.',
            'Add a column with `privacy_mask`, or name it in `privacy_drop`.'
        ) -%}
    {%- endfor -%}
{% endmacro %}
