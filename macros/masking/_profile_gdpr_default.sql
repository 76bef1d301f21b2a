{#-
    `gdpr_default`: pseudonymisation in the sense of Art. 4(5), data minimisation (Art. 5(1)(c)), and
    no special category that singles a person out (Art. 9(1): biometric and genetic data) of the
    General Data Protection Regulation, (EU) 2016/679.
-#}
{% macro _profile_gdpr_default() %}
direct_identifier: {allowed: [pseudonym, random_token, redact, constant, drop]}
person_name: &name {mask: redact, allowed: [redact, pseudonym, constant, drop]}
first_name: *name
middle_name: *name
last_name: *name
street_address: {mask: redact, allowed: [redact, constant, drop]}
phone: {mask: redact, allowed: [redact, pseudonym, constant, drop]}
email: {mask: email_domain, allowed: [email_domain, pseudonym, redact, constant, drop]}
ip_address: {mask: ip_prefix, allowed: [ip_prefix, redact, constant, drop]}
biometric: {allowed: [redact, constant, drop]}
genetic: {allowed: [redact, constant, drop]}
photo: {allowed: [redact, constant, drop]}
coordinates: {allowed: [redact, constant, drop]}
free_text: {mask: redact, allowed: [redact, constant, drop]}
date_of_birth:
  mask: truncate_date
  arguments: {unit: year}
  limits: {unit: {one_of: [year, decade]}}
  allowed: [truncate_date, shift_date, drop]
date: {allowed: [truncate_date, shift_date, keep, drop]}
timestamp: {allowed: [truncate_date, shift_date, keep, drop]}
postcode: {mask: postcode_prefix, allowed: [postcode_prefix, generalize, redact, drop]}
age: {mask: age_band, allowed: [age_band, bucket, top_code, generalize, drop]}
quasi_identifier:
  allowed: [pseudonym, generalize, bucket, round_to, top_code, bottom_code, truncate_date, shift_date,
    age_band, noise, partial, redact, constant, keep, drop]
sensitive: {allowed: [bucket, round_to, top_code, bottom_code, generalize, noise, redact, constant,
    keep, drop]}
non_sensitive: {mask: keep, allowed: [keep, bucket, round_to, generalize, truncate_date, pseudonym,
    redact, constant, drop]}
{% endmacro %}
