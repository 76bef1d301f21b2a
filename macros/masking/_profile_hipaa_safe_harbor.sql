{#-
    `hipaa_safe_harbor`: the identifiers of 45 CFR 164.514(b)(2)(i), (A) to (R), of the person and of
    relatives, employers and household members; text of the year 2000 (65 FR 82802), as amended in
    2002 (67 FR 53270) and 2013 (78 FR 5700), with the guidance of 26 November 2012. A code may not
    be derived from the person (164.514(c)), so `pseudonym` and `shift_date` are never allowed. Where
    records need one, `random_token` stands for the number of one person: not for what many share,
    such as a name or an employer, because how often its token occurs would tell which it is.

    A birth date or year would tell an age over 89; it is dropped, and `age` ends at 90 at most. The
    second half of the rule, (b)(2)(ii), what the publisher knows beyond the data, is no mask's.
-#}
{% macro _profile_hipaa_safe_harbor() %}
_shared:
  - &hide {mask: redact, allowed: [redact, constant, drop]}
  - &record {mask: redact, allowed: [redact, random_token, constant, drop]}
  - &gone {allowed: [drop]}
  - &code {allowed: [redact, constant, drop]}
  - &plain {mask: keep, allowed: [keep, generalize, drop]}
  - &year_only
    mask: truncate_date
    arguments: {unit: year}
    limits: {unit: {one_of: [year, decade]}}
    allowed: [truncate_date, drop]
# (A) names
person_name: *hide
first_name: *hide
middle_name: *hide
last_name: *hide
user_name: *hide
employer: *hide
employer_name: *hide
# (B) places below a state; of a postcode three digits where more than 20,000 people live
street_address: *hide
city: *hide
county: *hide
place: *hide
coordinates: *code
postcode:
  mask: postcode_prefix
  limits: {minimum: {least: 20000}}
  allowed: [postcode_prefix, redact, drop]
# (C) elements of dates but the year, and ages over 89
date: *year_only
timestamp: *year_only
date_of_birth: *gone
year_of_birth: *gone
age:
  mask: top_code
  arguments: {most: 90}
  limits: {most: {most: 90}, top: {most: 90}}
  allowed: [top_code, age_band, drop]
# (D) to (O) numbers and addresses
phone: *hide
fax: *hide
email: *hide
ssn: *record
itin: *record
medical_record: *record
health_plan: *record
account: *record
iban: *hide
credit_card: *hide
license: *record
npi: *hide
passport: *record
national_id: *record
vehicle: *hide
device: *hide
mac_address: *hide
url: *hide
ip_address: *hide
# (P) biometric and (Q) photographic
biometric: *code
genetic: *code
photo: *code
# (R) any other unique number, characteristic or code; free text may hold every one of them
direct_identifier: *hide
unique_id: *record
person_id: *record
household_id: *hide
employer_id: *hide
free_text: *hide
# what the rule leaves
state: *plain
country: *plain
category: *plain
race: *plain
sex: {mask: keep, allowed: [keep, drop]}
year: {mask: keep, allowed: [keep, drop]}
amount: {mask: keep, allowed: [keep, bucket, round_to, top_code, bottom_code, noise, drop]}
sensitive: {mask: keep, allowed: [keep, bucket, round_to, top_code, bottom_code, generalize, drop]}
non_sensitive: {mask: keep, allowed: [keep, bucket, round_to, generalize, drop]}
{% endmacro %}
