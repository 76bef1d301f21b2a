{#-
    No published cell speaks of fewer distinct people than the threshold: every shown count reaches
    it, and where the count is hidden so is every other measure. Each combination of the grain
    stands once, so that a cell cannot be split. A table of which nearly all cells are hidden is a
    list of people without their counts, and is refused.

    count_column  the count of distinct privacy units, an integer column
    grain         the columns that name a cell; every other column is a measure
    magnitudes    the measures that are no counts of people, such as a mean; every other integer
                  measure has to reach the threshold as well, or be hidden
    threshold     raises the model's `privacy_threshold` (else `var('veil:threshold', 11)`); it never
                  lowers it
-#}
{% test no_small_cells(model, count_column, grain, magnitudes=[], threshold=none) %}
    {%- set declared = veil._threshold_of(model) -%}
    {%- set least = [threshold or declared, declared] | max | int -%}
    {%- set cells = veil._cells(model, count_column, grain, magnitudes) -%}
    select 'shown below the threshold' as breach
    from {{ model }}
    where {{ cells.counts | join(' < ' ~ least ~ ' or ') }} < {{ least }}
    union all
    select 'a measure of a hidden cell is shown' as breach
    from {{ model }}
    where {{ cells.count }} is null
        and ({{ cells.measures | join(' is not null or ') }} is not null)
    union all
    select 'a cell stands twice' as breach
    from {{ model }}
    {{ 'group by ' ~ cells.grain | join(', ') if cells.grain }}
    having count(*) > 1
    union all
    select 'more than nine in ten cells are hidden: the grain is too fine' as breach
    from (select count(*) as cells, count({{ cells.count }}) as shown from {{ model }}) as all_cells
    where cells >= 20 and shown * 10 < cells
{% endtest %}
