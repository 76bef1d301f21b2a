"""The lines of the reference that no code holds: what each key, variable and column is for."""

from __future__ import annotations

KEYS: dict[str, tuple[str, str]] = {
    "privacy_class": (
        "column of a seed, source or raw model",
        "`direct_identifier`, `quasi_identifier`, `sensitive` or `non_sensitive`. Every column"
        " has one.",
    ),
    "privacy_type": (
        "column of a seed, source or raw model",
        "What it is: `ssn`, `email`, `person_name`, `date_of_birth`, `amount`, … Chooses the"
        " normaliser of a pseudonym and the rule of a profile.",
    ),
    "privacy_owner": ("column or model", "Who answers for it. Recorded; nothing checks it yet."),
    "privacy_retention": (
        "column or model",
        "How long it may be kept. Recorded; nothing checks it yet.",
    ),
    "privacy_purposes": ("column", "What it may be used for. Recorded; nothing checks it yet."),
    "privacy_mask": (
        "column of a pseudonymized model",
        "The mask, one of [masks.md](masks.md). Every column has one, `keep` included, unless the"
        " model's profile fills it in.",
    ),
    "privacy_from": (
        "column of a pseudonymized model",
        "The column of the raw model that it is made from; needed where the name changes.",
    ),
    "privacy_domain": (
        "column of a pseudonymized model",
        "Linkage domain, a plain word such as `person`. Equal values give equal pseudonyms within"
        " a domain, and unrelated ones in two domains.",
    ),
    "privacy_mask_args": (
        "column of a pseudonymized model",
        "The mask's arguments, by name; each is checked for type and range.",
    ),
    "privacy_profile": (
        "pseudonymized model",
        "The name of a profile in [profiles.md](profiles.md), which fills in masks and narrows"
        " the choice.",
    ),
    "privacy_drop": (
        "pseudonymized model",
        "List of the raw model's columns that end here. A raw column that is neither treated nor"
        " listed is refused.",
    ),
    "privacy_audience": (
        "mart",
        "Who reads it; names the published file. A model with this key is a mart.",
    ),
    "privacy_population": ("mart", "Whom and which period the numbers speak of."),
    "privacy_release": ("mart", "The kind of release. This version knows `suppressed`."),
    "privacy_unit": ("mart", "The pseudonym column that stands for a person."),
    "privacy_threshold": (
        "mart",
        "Fewest distinct people that a shown cell speaks of, a whole number from 3. Default: the"
        " variable `veil:threshold`.",
    ),
    "privacy_purpose": ("mart", "What the mart is for. Recorded; nothing checks it yet."),
    "privacy_waiver": (
        "model",
        "Rules set aside: a list of `{rule, column, owner, reason, until}`, a year at most.",
    ),
    "privacy_contract_version": (
        "mart",
        "Version of its data contract, `2.0.0`; without it dbt's model version, else `1.0.0`.",
    ),
}
"""By key: where it stands, and what it says."""

VARIABLES: dict[str, str] = {
    "veil:anchor": "Where each checkpoint of the audit record is copied to, so that a rollback of"
    " `state/` is noticed: `{path: FOLDER}`, or `{command: [PROGRAM, …], read: [PROGRAM, …]}`.",
    "veil:threshold": "Fewest distinct people that a shown cell speaks of, for marts that declare"
    " no `privacy_threshold`.",
    "veil:waivers": "Rules set aside for what has no YAML of its own: a list of"
    " `{rule, node, owner, reason, until}`; `node` is a unique id or the name of a package.",
    "veil:publish": "Whether `dbt build`, `run` and `retry` end by publishing.",
}

ENVIRONMENT: dict[str, str] = {
    "VEIL_DATA": "`full` makes the demo read the whole sample under `data/full/` in place of the"
    " seeds. `make build DATA=full` sets it.",
    "VAULT_ADDR, VAULT_CACERT, VAULT_NAMESPACE": "Where Vault is, for `veil init --provider"
    " vault:…`. The token is best in `DBT_ENV_SECRET_VAULT_TOKEN`: a model can print"
    " `VAULT_TOKEN`.",
    "AWS_PROFILE, AWS_REGION, …": "What boto3 reads, for `veil init --provider aws-kms:…`.",
    "DBT_ENV_SECRET_…": "The key-encryption key, where `veil init --provider"
    " env:DBT_ENV_SECRET_…` chose a variable: 32 random bytes in hexadecimal or base64.",
}

EXAMPLES: dict[str, tuple[str, str, str]] = {
    "pseudonym": ("domain `person`", "`123-45-6789`", "`p1_k2iieccz_…` (32 characters follow)"),
    "random_token": ("domain `patient`", "`MRN-0042`", "`t1_…` (32 random characters follow)"),
    "redact": ("", "`Ada Lovelace`", "`[redacted]`"),
    "constant": ("`value: x`", "`Ada Lovelace`", "`x`"),
    "drop": ("", "`Ada Lovelace`", "no column"),
    "partial": ("`keep_last: 2`", "`DE4412`", "`****12`"),
    "email_domain": ("", "`ada@mail.example`", "`mail.example`, or `other` where it is rare"),
    "ip_prefix": ("", "`192.0.2.77`", "`192.0.2.0/24`"),
    "truncate_date": ("`unit: year`", "`1985-12-10`", "`1985-01-01`"),
    "shift_date": ("`person: ssn, days: 180`", "`1985-12-10`", "a date up to 180 days away"),
    "age_band": ("`width: 10, top: 90`", "`36`", "`30-39`"),
    "bucket": ("`edges: [0, 100]`", "`36`", "`0-<100`"),
    "round_to": ("`step: 100`", "`1250`", "`1300`"),
    "top_code": ("`most: 250000`", "`900000`", "`250000`"),
    "bottom_code": ("`least: 0`", "`-20`", "`0`"),
    "postcode_prefix": ("", "`12345-6789`", "`123`; `000` for a small area"),
    "generalize": ("`hierarchy: …, level: …`", "`Biological child`", "`Child`"),
    "noise": ("`person: ssn, scale: 500`", "`41200`", "`41200` plus a draw of the person's own"),
    "keep": ("", "`Female`", "`Female`"),
}
"""By mask: arguments, a value before, and after."""

LAYERS: dict[str, tuple[str, str, str, str]] = {
    "seeds": (
        "dark red",
        "`seed_`",
        "people data as delivered, and public hierarchies (`hierarchy_`)",
        "the build alone",
    ),
    "raw": (
        "red, outlined",
        "`raw_`",
        "typed and minimised, each column classified",
        "the build alone",
    ),
    "pseudonymized": (
        "amber",
        "`psn_`",
        "masked column by column; still personal data",
        "the build alone",
    ),
    "marts": (
        "green",
        "none",
        "suppressed aggregates, gated before commit",
        "its audience, as a copy",
    ),
}
"""By layer: colour on the lineage graph, prefix, content, and who reads it."""
