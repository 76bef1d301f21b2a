{#-
    What a profile says of one source column: by its `privacy_type`, else, for a date, by
    that, else by its class. A column for
    which the profile has no rule is refused where it could name a person.
-#}
{% macro _profile_rule(where, profile, source) %}
    {%- set family = source['family'] if source['family'] in ['date', 'timestamp'] else none -%}
    {%- set keys = [source['type'], family or source['class']] -%}
    {%- for key in keys if key in profile.rules -%}
        {{- return(profile.rules[key]) -}}
    {%- endfor -%}
    {%- do veil._refuse(
        where ~ ' is a ' ~ source['class'] ~ ' of type ' ~ source['type'] ~ ', for which the profile `'
        ~ profile.name ~ '` has no rule.',
        'Name its source in `privacy_drop`.'
    ) -%}
{% endmacro %}
