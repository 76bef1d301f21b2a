{#- Refuse a missing or unknown mask, one that does not fit, and arguments that are off. -#}
{% macro _check_mask(where, spec) %}
    {%- set catalogue = veil._mask_catalogue() -%}
    {%- if not spec.mask -%}
        {%- do veil._refuse(
            where ~ ' has no `privacy_mask`.', 'Add one; `keep` passes a column on as it is.'
        ) -%}
    {%- endif -%}
    {%- if spec.mask not in catalogue -%}
        {%- do veil._refuse(
            where ~ ' has the unknown mask `' ~ spec.mask ~ '`.',
            'Known masks: ' ~ catalogue | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {%- set mask = catalogue[spec.mask] -%}
    {%- if 'any' not in mask.fits and spec.family not in mask.fits -%}
        {%- do veil._refuse(
            where ~ ' has the mask `' ~ spec.mask ~ '`, which does not fit the type `'
            ~ (spec.data_type or 'undeclared') ~ '` of its source.',
            'It fits: ' ~ mask.fits | join(', ') ~ '. Use another, or name its source in `privacy_drop`.'
        ) -%}
    {%- endif -%}
    {%- if spec.class == 'direct_identifier' and not mask.hides -%}
        {%- do veil._refuse(
            where ~ ' has the mask `' ~ spec.mask ~ '`, but its source is a direct identifier.',
            'Use one that hides it, such as `pseudonym` or `redact`, or name it in `privacy_drop`.'
        ) -%}
    {%- endif -%}
    {%- if mask.get('domain') and not veil._is_word(spec.domain) -%}
        {%- do veil._refuse(
            where ~ ' has the mask `' ~ spec.mask ~ '` without a valid `privacy_domain`.',
            'Name the linkage domain in small letters, for example `person`.'
        ) -%}
    {%- endif -%}
    {%- do veil._check_arguments(where, spec, mask.arguments) -%}
    {%- if spec.mask == 'drop' and model.config.get('contract', {}).get('enforced') -%}
        {%- do veil._refuse(
            where ~ ' has the mask `drop`, but an enforced contract promises every listed column.',
            'Take the column out and name its source in `privacy_drop`.'
        ) -%}
    {%- endif -%}
{% endmacro %}
