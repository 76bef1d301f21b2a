{#-
    The nearest multiple of a step, halves upward, exact. Where it does not fit the column's type,
    the multiple on the other side; NULL for what has none: NaN, infinity, more than 37 digits.

    Twice the value is a whole number plus a rest that decides nothing, because twice the step is
    even: all is done in whole numbers, inside a CASE, so that no overflow can stop the build and
    print the value.
-#}
{% macro mask_round_to(column, spec) %}
    {{ return(adapter.dispatch('mask_round_to', 'veil')(column, spec)) }}
{% endmacro %}

{% macro default__mask_round_to(column, spec) %}
    {%- set step = spec.arguments.step -%}
    {%- set twice = 'cast(' ~ column ~ ' as hugeint) * 2' -%}
    {%- if spec.family == 'number' -%}
        {%- set part = '(' ~ column ~ ' - trunc(' ~ column ~ '))' -%}
        {%- set twice = '(cast(trunc(' ~ column ~ ') as hugeint) * 2 + case when ' ~ part
            ~ ' < -0.5 then -2 when ' ~ part ~ ' < 0 then -1 when ' ~ part
            ~ ' < 0.5 then 0 else 1 end)' -%}
    {%- endif -%}
    {%- set rest = '((' ~ twice ~ ' % ' ~ 2 * step ~ ' + ' ~ 2 * step ~ ') % ' ~ 2 * step ~ ')' -%}
    {%- set below = '(' ~ twice ~ ' - ' ~ rest ~ ') // 2' -%}
    case
        when abs(cast({{ column }} as double)) < 8e37
            then coalesce(
                {%- for operator in ['>=', '<'] %}
                try_cast(
                    {{ below }} + case when {{ rest }} {{ operator }} {{ step }} then {{ step }} else 0 end
                    as {{ spec.data_type }}
                ){{ ',' if not loop.last }}
                {%- endfor %}
            )
    end
{% endmacro %}
