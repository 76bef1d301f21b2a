{#- Whether a value is a plain name: a small letter, then small letters, digits and `_`. -#}
{% macro _is_word(value) %}
    {{ return(value is string and modules.re.fullmatch('[a-z][a-z0-9_]*', value) is not none) }}
{% endmacro %}
