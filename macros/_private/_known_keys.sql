{#- Every `privacy_` key that the YAML may hold, with the shape of its value. -#}
{% macro _known_keys() %}
    {{ return({
        'privacy_class': 'text', 'privacy_type': 'text', 'privacy_owner': 'any',
        'privacy_retention': 'any', 'privacy_purposes': 'any',
        'privacy_mask': 'text', 'privacy_from': 'text', 'privacy_domain': 'text',
        'privacy_mask_args': 'mapping',
        'privacy_profile': 'text', 'privacy_drop': 'list',
        'privacy_audience': 'any', 'privacy_population': 'any', 'privacy_release': 'any',
        'privacy_unit': 'any', 'privacy_threshold': 'any', 'privacy_purpose': 'any',
        'privacy_waiver': 'any', 'privacy_contract_version': 'any',
        'privacy_unit_within': 'any', 'privacy_budget': 'any', 'privacy_release_period': 'any',
        'privacy_refresh': 'any', 'privacy_increment': 'any',
    }) }}
{% endmacro %}
