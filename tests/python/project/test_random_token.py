"""The mask `random_token` in a build: drawn before a model runs, the same in every one after."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness import DbtProject
from mask_cases import FAST, HOSTILE_TEXTS, Masks, add_models, psn_yaml, texts
from veil.errors import VeilError
from veil.warehouse.functions import register_functions

pytestmark = pytest.mark.project

CODED = {"psn_wic_coded": "raw_wic", "psn_census_coded": "raw_census"}
COLUMN = {
    "name": "person_code",
    "privacy_from": "person_id",
    "privacy_mask": "random_token",
    "privacy_domain": "coded",
}
FORM = re.compile(r"t1_[a-z2-7]{32}")
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B)
)  # Unicode's property White_Space, PropList-15.0.0.txt
RECORDS = {
    "ssn", "itin", "medical_record", "health_plan", "account", "license", "passport",
    "national_id", "unique_id", "person_id",
}  # fmt: skip


def add_coded(project: DbtProject, *data_tests: str) -> None:
    """Two models over the same people, under the profile in which no code may be derived."""
    columns = {
        str(model["name"]): [str(one["name"]) for one in model["columns"]]
        for model in yaml.safe_load((project.root / "models/raw/_raw.yml").read_text())["models"]
    }
    add_models(
        project,
        "pseudonymized/coded",
        {name: "{{ veil.pseudonymize(ref('" + raw + "')) }}" for name, raw in CODED.items()},
        [
            {
                **psn_yaml(name, [COLUMN], raw=columns[raw], profile="hipaa_safe_harbor"),
                "data_tests": list(data_tests),
            }
            for name, raw in CODED.items()
        ],
    )


def codes(project: DbtProject) -> list[list[Any]]:
    """The tokens of both models, in order."""
    return [
        [row[0] for row in project.rows(f"select person_code from pseudonymized.main.{name}")]
        for name in CODED
    ]


def test_builds_give_each_person_one_token_that_stays(project: DbtProject) -> None:
    """Two models at once, in one domain: as many tokens as people; the same when built again."""
    add_coded(project)
    done = [project.dbt("build", "--threads", "4", "--select", *CODED) for _ in range(2)]
    found = codes(project)
    people = [
        [row[0] for row in project.rows(f"select person_id from identified.main.{raw}")]
        for raw in CODED.values()
    ]
    first = [sorted(each) for each in found]
    again = project.dbt("build", "--full-refresh", "--select", *CODED)

    assert all(one.ok for one in (*done, again)), "\n".join(one.text for one in (*done, again))
    assert [len(each) for each in found] == [len(each) for each in people]
    assert [len(set(each)) for each in found] == [len(set(each)) for each in people]
    assert len(set().union(*found)) == len(set().union(*people))
    assert all(FORM.fullmatch(one) for each in found for one in each)
    assert [sorted(each) for each in codes(project)] == first


def test_a_model_of_tokens_alone_has_no_stale_key(project: DbtProject) -> None:
    """`no_stale_kid` passes as a gate and as a test; a model without any pseudonym is refused."""
    add_coded(project, "veil.no_stale_kid")
    project.write(
        "models/pseudonymized/none.sql", "select enrolment_year from {{ ref('psn_wic') }}\n"
    )
    tests = {
        "version": 2,
        "models": [{"name": "none", "data_tests": ["veil.no_stale_kid"]}],
    }
    project.write("models/pseudonymized/_none.yml", yaml.safe_dump(tests))

    outcome = project.dbt("build", "--select", *CODED)
    refused = project.dbt("build", "--select", "none")

    assert outcome.ok, outcome.text
    assert sum("no_stale_kid" in one for one in outcome.results) == len(CODED)
    assert not refused.ok
    assert "knows no pseudonym" in refused.text


LEAKS = {
    "leak_table": (
        "select max(token) as code from identified.veil.tokens",
        "it reads `tokens`, which is none of its parents",
    ),
    "leak_guess": (
        "select veil_random_token('078-05-1120', 'coded', 'person_id') as code",
        "Masks are called by `veil.pseudonymize` alone",
    ),
}


def test_no_mart_reads_the_table_or_asks_for_a_token(project: DbtProject) -> None:
    """Both are refused before anything is written, with the model's name and no value."""
    add_models(
        project,
        "marts/leaks",
        {name: f"-- {{{{ ref('psn_wic') }}}}\n{sql}" for name, (sql, _) in LEAKS.items()},
        [{"name": name, "columns": [{"name": "code"}]} for name in LEAKS],
    )
    outcome = project.dbt("build", "--select", *LEAKS)
    tables = project.rows("select table_name from duckdb_tables() where table_name like 'leak%'")

    assert tables == []
    for name, (_, says) in LEAKS.items():
        assert outcome.results[f"model.veil.{name}"] == "error"
        assert f"veil: model `{name}`" in outcome.messages[f"model.veil.{name}"]
        assert says in outcome.messages[f"model.veil.{name}"]
    assert "078-05-1120" not in "".join(outcome.messages.values())


@given(values=st.lists(texts, max_size=50))
@FAST
def test_a_token_tells_two_values_apart_and_nothing_else(masks: Masks, values: list[str]) -> None:
    """As many tokens as normalised values; each the same wherever its value stands again."""
    exact = [unicodedata.normalize("NFC", value).strip(WHITE_SPACE) for value in values]
    found = masks.run("token_text", values)

    assert all(FORM.fullmatch(one or "") for one in found)
    assert len(set(found)) == len(set(exact)) == len(set(zip(exact, found, strict=True)))
    assert masks.run("token_text", values[::-1]) == found[::-1]


def test_tokens_share_nothing_with_another_domain_type_or_mask(masks: Masks) -> None:
    """The same texts as tokens of two domains, as another kind of thing, and as pseudonyms."""
    values = list(HOSTILE_TEXTS[2:])
    names = ["token_text", "token_elsewhere", "token_email", "pseudonym_text"]
    found = [masks.run(name, values) for name in names]
    payloads = {str(one)[-32:] for each in found for one in each}

    assert len(payloads) == len(names) * len(values)


class _BrokenKeyring:
    """A keyring whose key cannot be had."""

    def subkey(self, *_: object, **__: object) -> tuple[str, bytes]:
        raise VeilError("the key is disabled.", remedy="Enable it.")


def test_a_missing_key_stops_the_build(masks: Masks) -> None:
    """The token is there, but nobody can find it: no NULL in its place, no value in the error."""
    masks.run("token_text", ["secret-1234"])
    with duckdb.connect() as conn:
        register_functions(conn, _BrokenKeyring())  # type: ignore[arg-type]
        conn.register("raw_kinds", masks.conn.execute("from raw_kinds").to_arrow_table())
        with pytest.raises(duckdb.Error, match="the key is disabled") as caught:
            conn.execute(masks.sql["token_text"]).fetchall()

    assert "secret-1234" not in str(caught.value)


def test_safe_harbor_allows_a_code_for_records_alone(built: DbtProject) -> None:
    """45 CFR 164.514(c): a number of one person. What many share would be told by its frequency."""
    path = built.root / "macros" / "masking" / "_profile_hipaa_safe_harbor.sql"
    body = re.search(r"%}\n(.*)\{% endmacro", path.read_text(encoding="utf-8"), re.DOTALL)
    assert body is not None
    rules = yaml.safe_load(body[1])
    allowed = {
        name for name, rule in rules.items() if name[0] != "_" and "random_token" in rule["allowed"]
    }

    assert allowed == RECORDS
