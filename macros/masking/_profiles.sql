{#-
    Profiles: for a `privacy_type`, else for a `privacy_class`, the mask that stands in where the
    YAML names none, and the masks that are allowed at all.

    gdpr_default        pseudonymisation in the sense of GDPR Art. 4(5), and data minimisation
    hipaa_safe_harbor   the 18 identifiers of 45 CFR 164.514(b)(2): names, places below a state,
                        dates below a year, ages over 89, numbers and codes of any kind. A code may
                        not be derived from the person (164.514(c)), so `pseudonym` is not allowed.
-#}
{% macro _profiles() %}
    {%- set profiles -%}
gdpr_default:
  direct_identifier: {allowed: [pseudonym, redact, constant, drop]}
  person_name: {mask: redact, allowed: [redact, pseudonym, constant, drop]}
  street_address: {mask: redact, allowed: [redact, constant, drop]}
  phone: {mask: redact, allowed: [redact, pseudonym, constant, drop]}
  email: {mask: email_domain, allowed: [email_domain, pseudonym, redact, constant, drop]}
  ip_address: {mask: ip_prefix, allowed: [ip_prefix, redact, constant, drop]}
  date_of_birth:
    mask: truncate_date
    arguments: {unit: year}
    allowed: [truncate_date, shift_date, drop]
  date: {allowed: [truncate_date, shift_date, keep, drop]}
  timestamp: {allowed: [truncate_date, shift_date, keep, drop]}
  postcode: {mask: postcode_prefix, allowed: [postcode_prefix, generalize, redact, drop]}
  age: {mask: age_band, allowed: [age_band, bucket, top_code, generalize, drop]}
  quasi_identifier:
    allowed: [pseudonym, generalize, bucket, round_to, top_code, bottom_code, truncate_date,
      shift_date, age_band, noise, partial, redact, constant, keep, drop]
  sensitive: {allowed: [bucket, round_to, top_code, bottom_code, generalize, noise, redact,
      constant, keep, drop]}
  non_sensitive: {mask: keep, allowed: [keep, bucket, round_to, generalize, truncate_date,
      pseudonym, redact, constant, drop]}
hipaa_safe_harbor:
  direct_identifier: {mask: redact, allowed: [redact, constant, drop]}
  ip_address: {mask: redact, allowed: [redact, constant, drop]}
  street_address: {mask: redact, allowed: [redact, constant, drop]}
  city: {mask: redact, allowed: [redact, constant, drop]}
  email: {mask: redact, allowed: [redact, constant, drop]}
  phone: {mask: redact, allowed: [redact, constant, drop]}
  ssn: {mask: redact, allowed: [redact, constant, drop]}
  person_name: {mask: redact, allowed: [redact, constant, drop]}
  postcode: {mask: postcode_prefix, arguments: {minimum: 20000}, allowed: [postcode_prefix, redact, drop]}
  date_of_birth: {allowed: [drop]}
  date: {mask: truncate_date, arguments: {unit: year}, allowed: [truncate_date, drop]}
  timestamp: {mask: truncate_date, arguments: {unit: year}, allowed: [truncate_date, drop]}
  age: {mask: top_code, arguments: {most: 90}, allowed: [top_code, age_band, drop]}
  sex: {mask: keep, allowed: [keep, drop]}
  race: {mask: keep, allowed: [keep, generalize, drop]}
  year: {mask: keep, allowed: [keep, drop]}
  amount: {mask: keep, allowed: [keep, bucket, round_to, top_code, bottom_code, noise, drop]}
  sensitive: {mask: keep, allowed: [keep, bucket, round_to, top_code, bottom_code, generalize, drop]}
  non_sensitive: {mask: keep, allowed: [keep, bucket, round_to, generalize, drop]}
    {%- endset -%}
    {{ return(fromyaml(profiles)) }}
{% endmacro %}
