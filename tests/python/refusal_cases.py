"""Models whose treatment must be refused, and what the refusal must say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import DbtProject
from mask_cases import RAW, add_models, add_raw, psn_yaml, raw_yaml

DIRECT = {
    "id": ("varchar", "direct_identifier", "person_id"),
    "number": ("bigint", "direct_identifier", "account"),
    "born": ("date", "direct_identifier", "date_of_birth"),
}
ATTACK = "x'; drop table raw_kinds; --"
HIERARCHIES = ("hierarchy_race", "seed_wic", "no_census")


@dataclass(frozen=True)
class Refused:
    """A model that must not compile. `says` are parts of its message, the remedy among them."""

    columns: Sequence[Mapping[str, Any]]
    says: tuple[str, ...]
    raw: str = "raw_kinds"
    drop: Any = None
    profile: str | None = None
    contract: bool = False
    call: str | None = None


def _one(source: str, mask: Any, *says: str, **meta: Any) -> Refused:
    """A model with one column, treated by one mask."""
    column = {"name": source, "privacy_mask": mask, **meta}
    return Refused([column], (f"column `{source}`", *says))


def _argument(source: str, mask: str, name: str, value: Any, **others: Any) -> Refused:
    """A mask with one argument that is off."""
    refused = _one(
        source,
        mask,
        f"mask `{mask}` with an argument `{name}` that does not fit",
        "It takes ",
        privacy_mask_args={**others, name: value},
        privacy_domain="person",
    )
    return refused


UNFIT = {
    "pseudonym": "real",
    "random_token": "real",
    "redact": "big",
    "partial": "big",
    "email_domain": "day",
    "ip_prefix": "big",
    "truncate_date": "note",
    "shift_date": "age",
    "age_band": "price",
    "bucket": "day",
    "round_to": "note",
    "top_code": "at",
    "bottom_code": "flag",
    "postcode_prefix": "age",
    "generalize": "day",
    "noise": "flag",
}
SHOWING = {
    "keep": "id",
    "truncate_date": "born",
    "shift_date": "born",
    "age_band": "number",
    "bucket": "number",
    "round_to": "number",
    "top_code": "number",
    "bottom_code": "number",
    "noise": "number",
}
ARGUMENTS: dict[str, tuple[str, str, str, Any, dict[str, Any]]] = {
    "text_for_integer": ("age", "age_band", "width", "ten", {}),
    "float_for_integer": ("age", "age_band", "width", 10.0, {}),
    "bool_for_integer": ("age", "age_band", "width", True, {}),
    "bool_for_number": ("big", "top_code", "most", True, {}),
    "nan": ("big", "top_code", "most", float("nan"), {}),
    "infinity": ("big", "bottom_code", "least", float("-inf"), {}),
    "null": ("big", "top_code", "most", None, {}),
    "width_too_small": ("age", "age_band", "width", 1, {}),
    "top_too_large": ("age", "age_band", "top", 121, {}),
    "keep_too_many": ("note", "partial", "keep_first", 5, {}),
    "minimum_of_one": ("email", "email_domain", "minimum", 1, {}),
    "whole_address": ("ip", "ip_prefix", "v4", 32, {}),
    "whole_long_address": ("ip", "ip_prefix", "v6", 49, {}),
    "step_of_one": ("big", "round_to", "step", 1, {}),
    "no_days": ("day", "shift_date", "days", 0, {"person": "person"}),
    "too_many_days": ("day", "shift_date", "days", 3651, {"person": "person"}),
    "no_scale": ("big", "noise", "scale", 0, {"person": "person"}),
    "negative_scale": ("big", "noise", "scale", -1, {"person": "person"}),
    "unknown_unit": ("day", "truncate_date", "unit", "day", {}),
    "no_such_person": ("day", "shift_date", "person", "nobody", {}),
    "person_of_wrong_type": ("day", "shift_date", "person", "real", {}),
    "edges_empty": ("big", "bucket", "edges", [], {}),
    "edges_falling": ("big", "bucket", "edges", [3, 1], {}),
    "edges_twice": ("big", "bucket", "edges", [1, 1], {}),
    "edges_bool": ("big", "bucket", "edges", [False, 2], {}),
    "edges_nan": ("big", "bucket", "edges", [float("nan")], {}),
    "edges_infinite": ("big", "bucket", "edges", [0, float("inf")], {}),
    "edges_mapping": ("big", "bucket", "edges", {1: 2}, {}),
    "edges_text": ("big", "bucket", "edges", "123", {}),
    "hierarchy_not_passed": ("race", "generalize", "hierarchy", "hierarchy_age", {"level": "x"}),
    "level_unknown": ("race", "generalize", "level", "none", {"hierarchy": "hierarchy_race"}),
    "level_is_the_value": (
        "race",
        "generalize",
        "level",
        "race_ethnicity",
        {"hierarchy": "hierarchy_race"},
    ),
    "sql_for_integer": ("big", "round_to", "step", "2; drop table raw_kinds", {}),
    "sql_for_number": ("big", "top_code", "most", "1 end, source.person as x, case", {}),
    "sql_for_column": ("day", "shift_date", "person", 'person" from raw_kinds; --', {}),
    "sql_for_unit": ("day", "truncate_date", "unit", ATTACK, {}),
    "sql_for_hierarchy": ("race", "generalize", "hierarchy", ATTACK, {"level": "race_group"}),
    "sql_for_level": (
        "race",
        "generalize",
        "level",
        'race_group" from x; --',
        {"hierarchy": "hierarchy_race"},
    ),
    "sql_in_edges": ("big", "bucket", "edges", [1, ATTACK], {}),
    "number_for_text": ("note", "constant", "value", 5, {}),
    "list_for_text": ("note", "constant", "value", [ATTACK], {}),
}
NOTE = {"name": "note", "privacy_mask": "redact"}
OTHERS: dict[str, Refused] = {
    "no_mask": Refused([{"name": "note"}], ("column `note` has no `privacy_mask`", "Add one")),
    "unknown_mask": _one("note", "hash", "the unknown mask `hash`", "Known masks: pseudonym"),
    "mask_of_wrong_shape": _one("note", ["redact"], "`privacy_mask` that is no text"),
    "no_domain": _one(
        "person", "pseudonym", "without a valid `privacy_domain`", "Name the linkage"
    ),
    "token_without_domain": _one(
        "person", "random_token", "without a valid `privacy_domain`", "Name the linkage"
    ),
    "token_with_argument": _one(
        "person",
        "random_token",
        "the unknown argument `bits`",
        "It takes: none",
        privacy_domain="person",
        privacy_mask_args={"bits": 1},
    ),
    "bad_domain": _one("person", "pseudonym", "valid `privacy_domain`", privacy_domain="a'b"),
    "empty_domain": _one("person", "pseudonym", "valid `privacy_domain`", privacy_domain=""),
    "shift_without_domain": _one(
        "day", "shift_date", "valid `privacy_domain`", privacy_mask_args={"person": "person"}
    ),
    "noise_without_domain": _one(
        "big", "noise", "valid `privacy_domain`", privacy_mask_args={"person": "person", "scale": 1}
    ),
    "unknown_key": _one("note", "redact", "the unknown key `privacy_maks`", privacy_maks="x"),
    "unknown_argument": _one(
        "note", "redact", "the unknown argument `x`", "It takes: none", privacy_mask_args={"x": 1}
    ),
    "missing_argument": _one("day", "truncate_date", "without its argument `unit`", "Add it"),
    "arguments_of_wrong_shape": _one(
        "day", "truncate_date", "`privacy_mask_args` that is no mapping", privacy_mask_args=["year"]
    ),
    "from_nowhere": Refused(
        [{"name": "x", "privacy_mask": "redact", "privacy_from": "nothing"}],
        ("column `x` comes from `nothing`", "which `raw_kinds` does not have", "`privacy_from`"),
    ),
    "untreated": Refused(
        [NOTE],
        ("`raw_kinds` column `person`", "name it in `privacy_drop`"),
        drop=sorted(set(RAW) - {"person", "note"}),
    ),
    "drop_nothing": Refused(
        [NOTE], ("names `nothing` in `privacy_drop`", "no such column"), drop=["nothing"]
    ),
    "drop_treated": Refused(
        [NOTE], ("names `note` in `privacy_drop`", "also has a treatment"), drop=list(RAW)
    ),
    "drop_of_wrong_shape": Refused([NOTE], ("`privacy_drop` that is no list",), drop="person"),
    "drop_under_contract": Refused(
        [{"name": "note", "data_type": "varchar", "privacy_mask": "drop"}],
        ("column `note` has the mask `drop`", "name its source in `privacy_drop`"),
        contract=True,
    ),
    "nothing_left": Refused([{"name": "note", "privacy_mask": "drop"}], ("has no column left",)),
    "quote_in_a_name": Refused(
        [{"name": 'a", source.person as "b', "privacy_mask": "keep", "privacy_from": "note"}],
        ("name holds a quote", "Rename it"),
    ),
    "no_contract": Refused(
        [{"name": "id", "privacy_mask": "redact"}],
        ("model `raw_loose` has no enforced contract", "contract: {enforced: true}"),
        raw="raw_loose",
    ),
    "a_seed": Refused([NOTE], ("has no enforced contract",), raw="seed_wic"),
    "no_class": Refused(
        [NOTE],
        ("`raw_no_class` column `note` has no `privacy_class`", "Classify"),
        raw="raw_no_class",
    ),
    "bad_class": Refused(
        [NOTE], ("column `note` has an unknown `privacy_class`", "Classify"), raw="raw_bad_class"
    ),
    "no_type": Refused(
        [NOTE], ("column `note` has no `privacy_type`", "Say in one word"), raw="raw_no_type"
    ),
    "bad_type": Refused(
        [NOTE], ("column `note` has an unreadable `privacy_type`", "Say in one"), raw="raw_bad_type"
    ),
    "not_a_relation": Refused(
        [NOTE],
        ("does not read exactly one raw model", "Its SQL is one call"),
        call="{{ veil.pseudonymize('raw_kinds') }} -- {{ ref('raw_kinds') }}",
    ),
    "two_metas": Refused(
        [NOTE],
        ("has `privacy_mask` twice", "Keep the one in `config.meta`"),
        call="{{ veil._privacy_meta({'meta': {'privacy_mask': 'redact'}, 'config': {'meta':"
        " {'privacy_mask': 'keep'}}}, 'model `two_metas`') if execute }}",
    ),
    "minimum_without_census": _one(
        "zip",
        "postcode_prefix",
        "raises `minimum`",
        "Name a seed",
        privacy_mask_args={"minimum": 50_000},
    ),
    "census_without_columns": _one(
        "zip",
        "postcode_prefix",
        "without the columns `prefix` and `population`",
        privacy_mask_args={"population": "hierarchy_race"},
    ),
    "hierarchy_without_yaml": _one(
        "race",
        "generalize",
        "uses `no_census` as a hierarchy",
        "Describe its columns",
        privacy_mask_args={"hierarchy": "no_census", "level": "x"},
    ),
    "unknown_profile": Refused(
        [NOTE], ("the unknown profile `strict`", "Known profiles: gdpr_default"), profile="strict"
    ),
}
REFUSED: dict[str, Refused] = {
    **{
        f"unfit_{mask}": _one(
            source,
            mask,
            f"mask `{mask}`, which does not fit the type `{RAW[source][0]}`",
            "It fits: ",
            privacy_domain="person",
        )
        for mask, source in UNFIT.items()
    },
    **{
        f"direct_{mask}": Refused(
            [{"name": source, "privacy_mask": mask, "privacy_domain": "person"}],
            (f"column `{source}` has the mask `{mask}`", "direct identifier", "Use one that hides"),
            raw="raw_direct",
        )
        for mask, source in SHOWING.items()
    },
    **{
        f"argument_{name}": _argument(source, mask, argument, value, **others)
        for name, (source, mask, argument, value, others) in ARGUMENTS.items()
    },
    **OTHERS,
}


def add_refused(project: DbtProject) -> None:
    """Write the raw models and every model of `REFUSED` into a project."""
    add_raw(project)
    project.write("seeds/no_census.csv", "x\n")
    note = {"note": ("varchar", "sensitive", "category")}
    raws = [raw_yaml("raw_direct", DIRECT), raw_yaml("raw_loose", DIRECT)]
    raws[1]["config"] = {}
    for name, kept in {
        "raw_no_class": {"privacy_type": "category"},
        "raw_bad_class": {"privacy_type": "category", "privacy_class": "secret"},
        "raw_no_type": {"privacy_class": "sensitive"},
        "raw_bad_type": {"privacy_class": "sensitive", "privacy_type": "a'b"},
    }.items():
        raw = raw_yaml(name, note)
        raw["columns"][0]["config"] = {"meta": kept}
        raws.append(raw)
    add_models(project, "raw/refused", {raw["name"]: "select 1 as x" for raw in raws}, raws)
    columns = {raw["name"]: [one["name"] for one in raw["columns"]] for raw in raws}
    passed = ", ".join(f"ref('{name}')" for name in HIERARCHIES)
    calls, yamls = {}, []
    for name, refused in REFUSED.items():
        calls[name] = refused.call or (
            "{{ veil.pseudonymize(ref('" + refused.raw + "'), hierarchies=[" + passed + "]) }}"
        )
        yaml = psn_yaml(
            name, refused.columns, raw=columns.get(refused.raw, list(RAW)), profile=refused.profile
        )
        if refused.drop is not None:
            yaml["config"]["meta"]["privacy_drop"] = refused.drop
        if refused.contract:
            yaml["config"]["contract"] = {"enforced": True}
            yaml["columns"][0]["data_type"] = "varchar"
        yamls.append(yaml)
    add_models(project, "pseudonymized/refused", calls, yamls)
