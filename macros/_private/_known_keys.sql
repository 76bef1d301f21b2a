{#- Every `privacy_` key that the YAML may hold. -#}
{% macro _known_keys() %}
    {{ return([
        'privacy_class', 'privacy_type', 'privacy_owner', 'privacy_retention', 'privacy_purposes',
        'privacy_mask', 'privacy_from', 'privacy_domain', 'privacy_mask_args',
        'privacy_profile', 'privacy_drop',
        'privacy_audience', 'privacy_population', 'privacy_release', 'privacy_unit',
        'privacy_threshold', 'privacy_purpose', 'privacy_waiver',
    ]) }}
{% endmacro %}
