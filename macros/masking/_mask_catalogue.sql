{#-
    The catalogue of masks, as data: Jinja reads it here, Python out of dbt's manifest.

    fits       families of column types that the mask takes: text, integer, number, date,
               timestamp, boolean, any
    hides      whether what is left no longer names a person by itself; a direct identifier takes
               only a mask that hides
    keyed      whether the result depends on the keyring
    domain     whether `privacy_domain` is needed
    arguments  by name: `type` (integer, number, text, numbers, texts, column, hierarchy, level),
               and `default`, `least`, `most`, `above`, `one_of` where they apply; without a
               default an argument is needed
-#}
{% macro _mask_catalogue() %}
    {%- set catalogue -%}
pseudonym:
  fits: [text, integer]
  hides: true
  keyed: true
  domain: true
  arguments: {}
random_token:
  fits: [text, integer]
  hides: true
  domain: true
  arguments: {}
redact:
  fits: [text]
  hides: true
  arguments: {}
constant:
  fits: [any]
  hides: true
  arguments:
    value: {type: text}
drop:
  fits: [any]
  hides: true
  arguments: {}
partial:
  fits: [text]
  hides: true
  arguments:
    keep_first: {type: integer, default: 0, least: 0, most: 4}
    keep_last: {type: integer, default: 0, least: 0, most: 4}
email_domain:
  fits: [text]
  hides: true
  arguments:
    minimum: {type: integer, default: 11, least: 2}
ip_prefix:
  fits: [text]
  hides: true
  arguments:
    v4: {type: integer, default: 24, least: 0, most: 24}
    v6: {type: integer, default: 48, least: 0, most: 48}
truncate_date:
  fits: [date, timestamp]
  hides: false
  arguments:
    unit: {type: text, one_of: [week, month, quarter, year, decade]}
shift_date:
  fits: [date, timestamp]
  hides: false
  keyed: true
  domain: true
  arguments:
    person: {type: column}
    days: {type: integer, default: 180, least: 1, most: 3650}
age_band:
  fits: [integer]
  hides: false
  arguments:
    width: {type: integer, default: 10, least: 2, most: 50}
    top: {type: integer, default: 90, least: 10, most: 120}
bucket:
  fits: [integer, number]
  hides: false
  arguments:
    edges: {type: numbers}
round_to:
  fits: [integer, number]
  hides: false
  arguments:
    step: {type: integer, least: 2, most: 1000000000000}
top_code:
  fits: [integer, number]
  hides: false
  arguments:
    most: {type: number}
bottom_code:
  fits: [integer, number]
  hides: false
  arguments:
    least: {type: number}
postcode_prefix:
  fits: [text]
  hides: true
  arguments:
    minimum: {type: integer, default: 20000, least: 1}
    population: {type: hierarchy, default: ''}
generalize:
  fits: [text, integer]
  hides: true
  arguments:
    hierarchy: {type: hierarchy}
    level: {type: level}
noise:
  fits: [integer, number]
  hides: false
  keyed: true
  domain: true
  arguments:
    person: {type: column}
    scale: {type: number, above: 0, most: 1000000000000}
keep:
  fits: [any]
  hides: false
  arguments: {}
    {%- endset -%}
    {{ return(fromyaml(catalogue)) }}
{% endmacro %}
