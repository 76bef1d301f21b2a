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
    "privacy_release": (
        "mart",
        "The kind of release: `suppressed`, or `differential`, which is written by"
        " `materialized: private_release`.",
    ),
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
    "privacy_budget": (
        "differential mart",
        "The budget that pays, a name in the variable `veil:budgets`.",
    ),
    "privacy_release_period": (
        "differential mart",
        "When it is drawn again: `once` (default), `day`, `month` (by the calendar in UTC), or a"
        " whole number that a person raises.",
    ),
    "privacy_refresh": (
        "differential mart",
        "`period` (default), or `on_change`: drawn again when what it reads has changed. That it"
        " changed is then public.",
    ),
    "privacy_increment": (
        "differential mart",
        "The partition key of days, each of which is a release of its own, frozen once it is"
        " drawn. Needs `public_partitions` in the YAML.",
    ),
    "privacy_unit_within": (
        "differential mart",
        "The partition key of days within which the unit is one: a person-day. Its budget says"
        " `within` likewise.",
    ),
}
"""By key: where it stands, and what it says."""

RELEASE_KEYS: dict[str, tuple[str, str]] = {
    "epsilon": ("", "Cost of one draw of the whole mart, with Laplace noise. This or `rho`."),
    "rho": ("", "Cost of one draw of the whole mart, with Gaussian noise."),
    "noise_kind": ("`laplace`", "`laplace` (with `epsilon`) or `gaussian` (with `rho`)."),
    "max_partitions_contributed": ("", "In how many cells one unit counts at most."),
    "max_contributions_per_partition": ("", "How many rows of one unit count in a cell at most."),
    "public_partitions": (
        "none: private",
        "Which cells there are: for every key a list, or `{from: …, to: …}` of days or whole"
        " numbers, both ends included; `to: yesterday` grows by itself.",
    ),
    "delta": (
        "",
        "Private partitions only, and needed there: the probability that a cell of people who are"
        " alone in it is named.",
    ),
    "pre_threshold": (
        "1",
        "Private partitions only: a cell with fewer units is never named, whatever the noise.",
    ),
    "confidence": ("0.95", "Of every interval, for each cell by itself."),
}
"""By parameter of a differential mart: default (empty where it must be said), and what it says."""

METRIC_KEYS: dict[str, tuple[str, str]] = {
    "metric": ("", "What is measured; see below. A column without it is a partition key."),
    "metric_column": ("", "The column of the query that is measured."),
    "lower": ("", "Smallest value that counts; what is below counts as it."),
    "upper": ("", "Largest value that counts; what is above counts as it."),
    "resolution": (
        "",
        "Step of the grid on which values are added up and released; `lower` and `upper` are"
        " multiples of it.",
    ),
    "default_value": (
        "dropped",
        "What a row counts as whose value is NULL, NaN or infinite; from `lower` to below `upper`.",
    ),
    "quantile": ("", "Which one: 0.5 is the median."),
    "bins": ("", "Equal bins from `lower` to `upper`, each of whole steps."),
    "branching": ("16", "Children of a node in the tree of a quantile."),
    "weight": ("1", "Its share of the mart's cost, among all weights."),
}
"""By parameter of a metric: default (empty where the kind needs it), and what it says."""

METRICS: dict[str, tuple[str, str]] = {
    "count": ("nothing; `metric_column` to count only rows with a value", "Rows."),
    "privacy_unit_count": ("nothing", "Distinct units: people."),
    "distinct_count": ("`metric_column`", "Distinct values of a column."),
    "sum": ("`metric_column`, `lower`, `upper`, `resolution`", "Sum of the clamped values."),
    "mean": ("as `sum`", "Noisy sum by noisy count, within `lower` and `upper`."),
    "variance": ("as `sum`", "Population variance, from three noisy parts."),
    "quantile": (
        "as `sum`, with `quantile` and `bins`",
        "Lower edge of the bin that holds the quantile.",
    ),
    "histogram": ("as `sum`, with `bins`", "Rows in each bin, as a list."),
}
"""By kind of metric: what it needs, and what it is."""

VARIABLES: dict[str, str] = {
    "veil:anchor": "Where each checkpoint of the audit record is copied to, so that a rollback of"
    " `state/` is noticed: `{path: FOLDER}`, or `{command: [PROGRAM, …], read: [PROGRAM, …]}`.",
    "veil:budgets": "What each privacy unit may lose by all differential releases together:"
    " `{NAME: {unit: DOMAIN, epsilon: 1, delta: 0.000001}}`, or `rho` in place of `epsilon`;"
    " optional are `window` (`lifetime`, `year`, `month`, `day`), `within`, `sources`, `beside`"
    " ([how-to](../how-to/release-with-differential-privacy.md#in-a-project-of-your-own)).",
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
        "people data as delivered, public lists, and hierarchies (`hierarchy_`)",
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
        "suppressed or noisy aggregates, gated before commit",
        "its audience, as a copy",
    ),
}
"""By layer: colour on the lineage graph, prefix, content, and who reads it."""
