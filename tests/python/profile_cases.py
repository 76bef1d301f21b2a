"""Columns under the profiles: which mask stands in, which are allowed, and how far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness import DbtProject
from mask_cases import add_models, psn_yaml, raw_yaml

# 45 CFR 164.514(b)(2)(i): the paragraph, and the privacy types that fall under it.
SAFE_HARBOR: dict[str, tuple[str, ...]] = {
    "A": (
        "person_name",
        "first_name",
        "middle_name",
        "last_name",
        "user_name",
        "employer",
        "employer_name",
    ),
    "B": ("street_address", "city", "county", "place", "coordinates", "postcode"),
    "C": ("date", "timestamp", "date_of_birth", "year_of_birth", "event_date", "age"),
    "D": ("phone",),
    "E": ("fax",),
    "F": ("email",),
    "G": ("ssn", "itin"),
    "H": ("medical_record",),
    "I": ("health_plan",),
    "J": ("account", "iban", "credit_card"),
    "K": ("license", "npi", "passport", "national_id"),
    "L": ("vehicle",),
    "M": ("device", "mac_address"),
    "N": ("url",),
    "O": ("ip_address",),
    "P": ("biometric", "genetic"),
    "Q": ("photo",),
    "R": ("unique_id", "person_id", "household_id", "employer_id", "free_text", "made_up"),
}
KINDS = {
    "date": "date",
    "timestamp": "timestamp",
    "date_of_birth": "date",
    "event_date": "date",
    "age": "integer",
    "year": "date",  # a full date that is called a year
    "photo": "blob",
}
CLASSES = {"made_up": "direct_identifier"}
HIPAA, GDPR = "hipaa_safe_harbor", "gdpr_default"


@dataclass(frozen=True)
class Profiled:
    """One column under a profile: refused with `says`, or compiled into SQL that holds `sql`."""

    profile: str
    type: str
    mask: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    sql: str = ""
    family: str = ""
    category: str = ""

    @property
    def classified(self) -> tuple[str, str, str]:
        """Type, class and privacy type of its raw column."""
        category = self.category or CLASSES.get(self.type, "quasi_identifier")
        return self.family or KINDS.get(self.type, "varchar"), category, self.type

    @property
    def source(self) -> str:
        return "_".join(self.classified)


KEPT = 'select\n        source."{source}" as "value"'
YEAR = 'make_date(year(source."{source}"), 1, 1)'
_NOT_ALLOWED = "does not allow"
_UNDER = "under the profile"

PROFILED: dict[str, Profiled] = {
    # what the profile fills in
    "hipaa_name": Profiled(HIPAA, "person_name", sql="[redacted]"),
    "hipaa_postcode": Profiled(HIPAA, "postcode", sql="'036'"),
    "hipaa_date": Profiled(HIPAA, "event_date", sql=YEAR),
    "hipaa_unit_left_out": Profiled(HIPAA, "event_date", "truncate_date", sql=YEAR),
    "hipaa_decade": Profiled(HIPAA, "date", "truncate_date", {"unit": "decade"}, sql="% 10"),
    "hipaa_moment": Profiled(HIPAA, "timestamp", sql="make_date(year("),
    "hipaa_age": Profiled(HIPAA, "age", sql="> 90"),
    "hipaa_band": Profiled(HIPAA, "age", "age_band", {"width": 5}, sql="'90+'"),
    "hipaa_sex": Profiled(HIPAA, "sex", sql=KEPT),
    "hipaa_year": Profiled(HIPAA, "year", sql=KEPT, family="integer"),
    "hipaa_other": Profiled(HIPAA, "diagnosis", sql=KEPT, category="sensitive"),
    "hipaa_made_up": Profiled(HIPAA, "made_up", sql="[redacted]"),
    "gdpr_name": Profiled(GDPR, "person_name", sql="[redacted]"),
    "gdpr_email": Profiled(GDPR, "email", sql="'other'"),
    "gdpr_ip": Profiled(GDPR, "ip_address", sql="veil_ip_prefix"),
    "gdpr_birth": Profiled(GDPR, "date_of_birth", sql=YEAR),
    "gdpr_postcode": Profiled(GDPR, "postcode", sql="'036'"),
    "gdpr_age": Profiled(GDPR, "age", sql="'90+'"),
    "gdpr_plain": Profiled(GDPR, "colour", sql=KEPT, category="non_sensitive"),
    "gdpr_id": Profiled(GDPR, "made_up", "pseudonym", sql="veil_pseudonym"),
    # what it refuses
    "hipaa_birth": Profiled(HIPAA, "date_of_birth", says="has no `privacy_mask`"),
    "hipaa_birth_year": Profiled(
        HIPAA, "date_of_birth", "truncate_date", {"unit": "year"}, _NOT_ALLOWED
    ),
    "hipaa_code": Profiled(HIPAA, "person_id", "pseudonym", says=_NOT_ALLOWED),
    "hipaa_shift": Profiled(HIPAA, "date", "shift_date", {"person": "value"}, _NOT_ALLOWED),
    "hipaa_month": Profiled(HIPAA, "date", "truncate_date", {"unit": "month"}, _UNDER),
    "hipaa_top_91": Profiled(HIPAA, "age", "age_band", {"top": 91}, _UNDER),
    "hipaa_most_91": Profiled(HIPAA, "age", "top_code", {"most": 91}, _UNDER),
    "hipaa_areas": Profiled(HIPAA, "postcode", "postcode_prefix", {"minimum": 19_999}, _UNDER),
    "hipaa_full_date_as_year": Profiled(HIPAA, "year", "keep", says=_NOT_ALLOWED),
    "hipaa_date_as_amount": Profiled(HIPAA, "amount", "keep", says=_NOT_ALLOWED, family="date"),
    "hipaa_unknown": Profiled(HIPAA, "colour", "keep", says="has no rule"),
    "hipaa_ssn_number": Profiled(HIPAA, "ssn", says="does not fit the type", family="bigint"),
    "gdpr_bare_id": Profiled(GDPR, "made_up", says="has no `privacy_mask`"),
    "gdpr_face": Profiled(GDPR, "biometric", "keep", says=_NOT_ALLOWED, category="sensitive"),
    "gdpr_birth_day": Profiled(GDPR, "date_of_birth", "keep", says=_NOT_ALLOWED),
    "gdpr_birth_month": Profiled(GDPR, "date_of_birth", "truncate_date", {"unit": "month"}, _UNDER),
    "gdpr_address": Profiled(GDPR, "street_address", "pseudonym", says=_NOT_ALLOWED),
    "gdpr_postcode_kept": Profiled(GDPR, "postcode", "keep", says=_NOT_ALLOWED),
    "gdpr_age_kept": Profiled(GDPR, "age", "keep", says=_NOT_ALLOWED),
    # each of the 18 identifiers: it cannot be kept
    **{
        f"safe_{kind}": Profiled(HIPAA, kind, "keep", says=_NOT_ALLOWED)
        for kinds in SAFE_HARBOR.values()
        for kind in kinds
    },
}


def add_profile_cases(project: DbtProject) -> None:
    """Write one raw model with a column of every kind, and a pseudonymized model for each case."""
    columns = {case.source: case.classified for case in PROFILED.values()}
    models = []
    for name, case in PROFILED.items():
        column: dict[str, Any] = {"name": "value", "privacy_from": case.source}
        if case.mask:
            column |= {"privacy_mask": case.mask, "privacy_domain": "person"}
        if case.arguments:
            column["privacy_mask_args"] = case.arguments
        models.append(psn_yaml(name, [column], raw=list(columns), profile=case.profile))
    raw = raw_yaml("raw_people_of_all_kinds", columns)
    call = "{{ veil.pseudonymize(ref('raw_people_of_all_kinds')) }}"
    add_models(project, "raw/profiles", {raw["name"]: "select 1 as x"}, [raw])
    add_models(project, "pseudonymized/profiles", dict.fromkeys(PROFILED, call), models)
