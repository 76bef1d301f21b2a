{#-
    What a profile says of one source column: by its `privacy_type`, else by its class. A date or
    timestamp is ruled as such, unless its type has a rule that allows no more: a full date called
    `year` stays a date. A column for which the profile has no rule is refused.
-#}
{% macro _profile_rule(where, profile, source) %}
    {%- set rule = profile.rules.get(source['type']) -%}
    {%- if source['family'] in ['date', 'timestamp'] -%}
        {%- set whole = profile.rules[source['family']] -%}
        {{- return(
            rule if rule and not rule['allowed'] | reject('in', whole['allowed']) | list else whole
        ) -}}
    {%- endif -%}
    {%- set rule = rule or profile.rules.get(source['class']) -%}
    {%- if not rule -%}
        {%- do veil._refuse(
            where ~ ' is a ' ~ source['class'] ~ ' of type ' ~ source['type']
            ~ ', for which the profile `' ~ profile.name ~ '` has no rule.',
            'Name its source in `privacy_drop`.'
        ) -%}
    {%- endif -%}
    {{ return(rule) }}
{% endmacro %}
