"""Write the generated documents: docs/reference/, docs/site/overview.md, tables in README.md.

    python scripts/build_reference.py            writes them
    python scripts/build_reference.py --check    compares; exit code 1 where one is out of date

Everything comes from the code: the catalogue of masks and the profiles from macros/masking/, the
macros from their YAML (or the comment above them), the commands from their own `--help`.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from reference_lines import (
    ENVIRONMENT,
    EXAMPLES,
    KEYS,
    LAYERS,
    METRIC_KEYS,
    METRICS,
    RELEASE_KEYS,
    VARIABLES,
)
from reference_sources import (
    ROOT,
    Macro,
    catalogue,
    commands,
    comment_of,
    known_keys,
    macros,
    one_line,
    profiles,
    variables,
)

from veil.policy.graph import COLUMN_PARAMETERS, MODEL_PARAMETERS
from veil.releases.declared import MetricKind

NOTE = "<!-- Written by scripts/build_reference.py from the code. Do not edit. -->\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _argument(name: str, rule: dict[str, Any]) -> str:
    parts = [str(rule["type"])] if "type" in rule else []
    if "one_of" in rule:
        parts = ["one of " + ", ".join(rule["one_of"])]
    if "least" in rule and "most" in rule:
        parts.append(f"{rule['least']} to {rule['most']}")
    elif "least" in rule or "most" in rule:
        parts.append(f"at least {rule['least']}" if "least" in rule else f"at most {rule['most']}")
    if "default" in rule:
        parts.append("optional" if rule["default"] == "" else f"default {rule['default']}")
    return f"`{name}` ({', '.join(parts)})"


def mask_lines() -> dict[str, str]:
    """One line a mask: what its macro says first."""
    found = {"drop": "Nothing: the column ends here. With an enforced contract use `privacy_drop`."}
    for path in sorted((ROOT / "macros/masking").glob("mask_*.sql")):
        found[path.stem.removeprefix("mask_")] = one_line(comment_of(path).split("\n\n")[0])
    return found


def masks_table() -> str:
    """The short table, for the README."""
    lines = mask_lines()
    rows = []
    for name in catalogue():
        arguments, before, after = EXAMPLES[name]
        rows.append((f"`{name}`", lines[name], arguments, before, after))
    return _table(("mask", "what is left", "for example", "before", "after"), rows)


def masks_page() -> str:
    lines = mask_lines()
    rows = [
        (
            f"`{name}`",
            lines[name],
            ", ".join(mask["fits"]),
            "yes" if mask["hides"] else "no",
            "yes" if mask.get("keyed") else "no",
            "yes" if mask.get("domain") else "no",
            "; ".join(_argument(*one) for one in mask["arguments"].items()) or "none",
        )
        for name, mask in catalogue().items()
    ]
    head = ("mask", "what is left", "fits", "hides", "keyed", "domain", "arguments")
    return (
        "# Masks\n\nEvery value of `privacy_mask`, with the column types that it fits and its"
        " arguments.\n\nA direct identifier takes only a mask that *hides*. The result of a *keyed*"
        " mask depends on the keyring; one with *domain* needs `privacy_domain`. NULL stays NULL,"
        " and the empty string is not NULL.\n\n" + _table(head, rows)
    )


def profiles_page() -> str:
    text = "# Profiles\n\nBundles of masks that a pseudonymized model names in `privacy_profile`.\n"
    text += (
        "\nFor each source column the rule of its `privacy_type` counts; without one, that of a"
        " date or timestamp column; else that of its `privacy_class`. *Filled in* stands where the"
        " YAML names no mask. A column without any rule is refused.\n"
    )
    for name, (comment, rules) in profiles().items():
        rows = []
        for key, rule in rules.items():
            arguments = ", ".join(f"{k}: {v}" for k, v in rule.get("arguments", {}).items())
            mask = f"`{rule['mask']}`" if rule.get("mask") else "none: the YAML must say"
            limits = "; ".join(_argument(*one) for one in rule.get("limits", {}).items())
            allowed = ", ".join(rule["allowed"])
            rows.append(
                (f"`{key}`", f"{mask} ({arguments})" if arguments else mask, allowed, limits)
            )
        text += f"\n## {name}\n\n{comment}\n\n"
        text += _table(("type or class", "filled in", "allowed", "limits"), rows)
    return text


def _lines(lines: dict[str, tuple[str, str]], *, known: Iterable[str]) -> list[tuple[str, ...]]:
    """The rows of a table that must say something of every known word, and of no other."""
    if set(lines) != set(known):
        raise SystemExit(f"reference_lines.py: {sorted(set(lines) ^ set(known))}")
    return [(f"`{key}`", *line) for key, line in lines.items()]


def keys_page() -> str:
    rows = [(f"`{key}`", *KEYS[key]) for key in known_keys()]
    head = ("parameter", "default", "says")
    return (
        "# YAML keys\n\nEvery key that veil reads from `config.meta` (or `meta`); an unknown"
        " `privacy_` key is refused.\n\n"
        + _table(("key", "stands on", "says"), rows)
        + "\n## A differential mart\n\nWith `privacy_release: differential` these stand on the"
        " model too, in the field's own names ([how-to]"
        "(../how-to/release-with-differential-privacy.md)). What has no default and is needed is"
        " refused where it is missing, never guessed.\n\n"
        + _table(head, _lines(RELEASE_KEYS, known=MODEL_PARAMETERS))
        + "\nAnd these on a column:\n\n"
        + _table(head, _lines(METRIC_KEYS, known=COLUMN_PARAMETERS))
        + "\nKinds of `metric`:\n\n"
        + _table(("metric", "needs", "is"), _lines(METRICS, known=MetricKind))
    )


def variables_page() -> str:
    rows = [(f"`{name}`", f"`{default}`", VARIABLES[name]) for name, default in variables().items()]
    return (
        "# Variables\n\nWhat `vars:` and the environment change; write variables directly under"
        " `vars:` in your own dbt_project.yml.\n\n"
        + _table(("variable", "default", "does"), rows)
        + '\n```yaml\nvars:\n  "veil:threshold": 20\n```\n\n## Environment\n\n'
        + _table(("name", "does"), [(f"`{k}`", v) for k, v in ENVIRONMENT.items()])
    )


def commands_page() -> str:
    targets = re.findall(r"^([a-z]+):.*?## +(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    text = (
        "# Commands\n\nWhat stands around `dbt build`: every `veil` command with its own `--help`,"
        " and the targets of make.\n\nExit codes of `veil`: 0 fine, 1 finding, 2 usage, 3 cannot"
        " run.\n"
    )
    for name, help_text in commands():
        text += f"\n## {name}\n\n```text\n{help_text}\n```\n"
    text += "\n## make\n\n" + _table(("target", "does"), [(f"`make {n}`", d) for n, d in targets])
    return text + (
        "\n## python -m veil.synthesize\n\nWrites simulated people and events at any scale, the"
        " same for the same seed; `--help` lists its options.\n\n```sh\npython -m veil.synthesize"
        " --people 1000 --events 10000 --seed 7 --out data/synthetic\n```\n"
    )


def _macro_section(macro: Macro) -> str:
    text = f"\n### {macro.name}\n\n```jinja\n{macro.signature}\n```\n\n{macro.text}\n"
    # The masks all take the same; the page says it once.
    if macro.arguments and not macro.name.startswith("mask_"):
        rows = [(f"`{name}`", kind, line) for name, kind, line in macro.arguments]
        text += "\n" + _table(("argument", "type", "is"), rows)
    return text


def macros_page() -> str:
    text = (
        "# Macros\n\nEvery public macro, by folder; call it as `veil.<name>`.\n\nYou call"
        " `pseudonymize`, `typed`, `suppress_small` and `dp_aggregate` in models, and"
        " `check_model` and `gate_model` in hooks; the rest is called by these. What writes SQL"
        " dispatches, so that an adapter of your own can override `default__<name>`. Every"
        " `mask_<name>` takes the column as SQL, and what is known about it.\n"
    )
    folder = ""
    for macro in macros():
        if macro.folder == "generic_tests":
            continue
        if macro.folder != folder:
            folder = macro.folder
            text += f"\n## {folder}\n"
        text += _macro_section(macro)
    return text


def tests_page() -> str:
    text = (
        "# Tests\n\nThe generic tests of the package; on a mart each is also a gate, which runs"
        " before the table is committed.\n\nA gate may not be weakened: `severity`, `where`,"
        " `limit`, `error_if` and `store_failures` on it are refused.\n"
    )
    for macro in macros():
        if macro.folder == "generic_tests":
            text += _macro_section(macro)
    return text


def _marts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((ROOT / "models/marts").glob("_*.yml")):
        found += yaml.safe_load(path.read_text("utf-8")).get("models", [])
    return found


def _promise(meta: dict[str, Any]) -> str:
    """What stands between a reader and a person: a threshold, or noise."""
    if "privacy_threshold" in meta:
        return f"at least {meta['privacy_threshold']} people"
    word = "rho" if "rho" in meta else "epsilon"
    each = f" for each {meta['privacy_increment']}" if "privacy_increment" in meta else ""
    return f"noise, {word} {meta[word]}{each}"


def overview_page() -> str:
    """The first page of `dbt docs`."""
    config = yaml.safe_load((ROOT / "dbt_project.yml").read_text("utf-8"))
    models = config["models"]["veil"]
    colours = {
        "seeds": config["seeds"]["veil"]["+docs"]["node_color"],
        **{name: models[name]["+docs"]["node_color"] for name in ("raw", "pseudonymized", "marts")},
    }
    layers = [
        (name, f"{LAYERS[name][0]} (`{colours[name]}`)", *LAYERS[name][1:]) for name in colours
    ]
    marts = []
    for mart in _marts():
        what, _, grain = one_line(mart["description"]).partition(". ")
        meta = mart["config"]["meta"]
        link = f"[{mart['name']}](#!/model/model.veil.{mart['name']})"
        marts.append(
            (
                link,
                what,
                re.split(r"[.;]", grain.removeprefix("One row per "))[0],
                meta["privacy_audience"],
                _promise(meta),
                meta["privacy_population"],
            )
        )
    return (
        NOTE
        + "{% docs __overview__ %}\n\n# veil\n\nMarts from people data that publish no cell about"
        " fewer people than a threshold, or add noise on a privacy budget.\n\nData flows down this"
        " list, and a model reads its own layer, the one before, or a public list. Seeds and raw"
        " models share one encrypted database file; pseudonymized models and marts have one"
        " each, under keys of their own.\n\n"
        + _table(("layer", "colour", "prefix", "holds", "who reads it"), layers)
        + "\n## Marts\n\n"
        + _table(("mart", "says", "one row per", "audience", "promise", "speaks of"), marts)
        + "\n## Reading a column\n\nOpen a column of a model to see its privacy keys:"
        " `privacy_class` and `privacy_type` on a raw model, `privacy_mask` and its arguments on a"
        " pseudonymized one. An empty cell of a suppressed mart speaks of fewer people than the"
        " threshold. A number of a differential mart stands between the two ends of its"
        " interval, which leave out what bounding cut off.\n"
        "\n{% enddocs %}\n"
    )


PAGES = {
    "masks.md": masks_page,
    "profiles.md": profiles_page,
    "yaml-keys.md": keys_page,
    "variables.md": variables_page,
    "commands.md": commands_page,
    "tests.md": tests_page,
    "macros.md": macros_page,
}


def index_page() -> str:
    rows = []
    for name, page in PAGES.items():
        title, _, rest = page().removeprefix("# ").partition("\n\n")
        rows.append((f"[{title}]({name})", rest.split("\n")[0]))
    return "# Reference\n\nEverything that has a name, page by page.\n\n" + _table(
        ("page", "holds"), rows
    )


def documents() -> dict[Path, str]:
    """What each generated document should hold."""
    found = {ROOT / "docs/reference" / name: NOTE + page() for name, page in PAGES.items()}
    found[ROOT / "docs/reference/README.md"] = NOTE + index_page()
    found[ROOT / "docs/site/overview.md"] = overview_page()
    readme = ROOT / "README.md"
    found[readme] = re.sub(
        r"(<!-- masks -->\n).*?(<!-- /masks -->)",
        lambda match: match[1] + masks_table() + match[2],
        readme.read_text("utf-8"),
        flags=re.S,
    )
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(argv)
    stale = [
        path
        for path, text in documents().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if options.check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date; run scripts/build_reference.py")
        return 1 if stale else 0
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print(f"{len(stale)} documents written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
