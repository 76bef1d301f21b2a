{#-
    Profiles: for a `privacy_type`, else for a `privacy_class`, the mask that stands in where the
    YAML names none (`mask`, `arguments`), the masks that are allowed at all (`allowed`), and bounds
    of their arguments beyond those of the catalogue (`limits`, by the argument's name).
-#}
{% macro _profiles() %}
    {{ return({
        'gdpr_default': fromyaml(veil._profile_gdpr_default()),
        'hipaa_safe_harbor': fromyaml(veil._profile_hipaa_safe_harbor()),
    }) }}
{% endmacro %}
