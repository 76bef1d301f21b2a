{#-
    No published cell speaks of fewer distinct people than the threshold: every shown count reaches
    it, and where the count is hidden so is every other measure. Each combination of the grain
    stands once, so that a cell cannot be split.

    count_column  the count of distinct privacy units
    grain         the columns that name a cell; every other column is a measure
    threshold     raises the model's `privacy_threshold` (else `var('veil:threshold', 11)`); it never
                  lowers it
-#}
{% test no_small_cells(model, count_column, grain, threshold=none) %}
    {%- set declared = veil._threshold_of(model) -%}
    {%- set least = [threshold or declared, declared] | max -%}
    {%- set others = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(model) -%}
            {%- if column.name not in grain and column.name != count_column -%}
                {%- do others.append(adapter.quote(column.name) ~ ' is not null') -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set cell = [] -%}
    {%- for column in grain -%}
        {%- do cell.append(adapter.quote(column)) -%}
    {%- endfor -%}
    select 'shown below the threshold' as breach
    from {{ model }}
    where {{ adapter.quote(count_column) }} < {{ least | int }}
    union all
    select 'a measure of a hidden cell is shown' as breach
    from {{ model }}
    where {{ adapter.quote(count_column) }} is null and ({{ others | join(' or ') or 'false' }})
    union all
    select 'a cell stands twice' as breach
    from {{ model }}
    group by {{ cell | join(', ') }}
    having count(*) > 1
{% endtest %}
