"""What is scanned: seeds, sources and models of the project, and files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from veil.artifacts.places import read_manifest
from veil.errors import UsageError, VeilError
from veil.policy.graph import Graph, Node
from veil.project import ZONES, Project

FILES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


@dataclass(frozen=True)
class Place:
    """Where a table's rows are; exactly one of the three is filled in.

    Attributes:
        file: a CSV or Parquet file.
        delimiter: between the fields of a CSV file; empty where DuckDB finds out.
        external: what stands after `from` for a source outside the database.
        database: a zone, or a published DuckDB file.
        schema: the schema inside `database`.
        table: the table inside `database`.
    """

    file: Path | None = None
    delimiter: str = ""
    external: str = ""
    database: str | Path = ""
    schema: str = ""
    table: str = ""


@dataclass(frozen=True)
class Target:
    """One table to scan.

    Attributes:
        name: as messages give it.
        kind: `seed`, `source`, `model`, `mart` or `file`.
        place: where its rows are.
        classes: the declared `privacy_class` by column, in small letters.
        types: the declared `privacy_type` by column, in small letters.
        masks: the declared `privacy_mask` by column, in small letters.
        yaml: the file that declares it, from the project's root; empty for none.
        location: the `external_location` of a file inside the project; empty elsewhere.
        is_masked: whether it is output that no direct identifier may be in.
    """

    name: str
    kind: str
    place: Place
    classes: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)
    yaml: str = ""
    location: str = ""
    is_masked: bool = False


def find_targets(project: Project, names: Iterable[str] = (), *, masked: bool) -> list[Target]:
    """The tables to scan.

    Args:
        project: the project.
        names: seeds, sources (`lab.results`), models or files; all seeds and sources without any.
        masked: pseudonymized models and published marts in place of seeds and sources.

    Raises:
        UsageError: a name that is neither.
        VeilError: `masked`, and no manifest says what is masked.
    """
    graph = read_graph(project)
    if graph is None and masked:
        raise VeilError(
            "target/manifest.json is not there, and with it what is masked.",
            remedy="Run `dbt build` first.",
        )
    known = [] if graph is None else _of_graph(project, graph, masked=masked)
    if not masked:
        # A manifest may be older than the newest seed.
        there = {one.place.file.resolve() for one in known if one.place.file}
        known.extend(
            one
            for one in _of_seed_files(project)
            if one.place.file and one.place.file.resolve() not in there
        )
    wanted = list(names)
    if not wanted:
        return [one for one in known if masked or one.kind in {"seed", "source"}]
    return [target for name in wanted for target in _named(project, known, name)]


def read_graph(project: Project) -> Graph | None:
    """The graph in target/manifest.json; None without one that can be read."""
    found = read_manifest(project)
    try:
        return Graph(found[1]) if found is not None else None
    except (LookupError, TypeError, AttributeError):
        return None


def _named(project: Project, known: list[Target], name: str) -> list[Target]:
    found = [one for one in known if name in {one.name, one.name.rpartition(".")[2]}]
    if found:
        return found
    for path in (Path(name), project.root / name):
        if path.is_file() and path.name.endswith(FILES):
            path = path.resolve()
            own = [one for one in known if one.place.file and one.place.file.resolve() == path]
            return own or [_file(project, path)]
    raise UsageError(
        f"`{name}` is no seed, source or model of this project and no CSV or Parquet file.",
        remedy="Run `dbt parse` where it is new.",
    )


def _file(project: Project, path: Path) -> Target:
    location = ""
    if path.is_relative_to(project.root):
        location = path.relative_to(project.root).as_posix()
        if not path.name.endswith(".parquet"):
            location = "read_csv('{}', all_varchar = true)".format(location.replace("'", "''"))
    return Target(_stem(path), "file", Place(file=path), location=location)


def _of_graph(project: Project, graph: Graph, *, masked: bool) -> list[Target]:
    found: list[Target] = []
    for node in graph:
        if masked:
            found.extend(_masked(project, node))
        elif node.kind == "seed":
            found.append(_target(node, node.name, _seed_place(project, node)))
        elif node.kind == "source":
            name = f"{node.raw.get('source_name')}.{node.name}"
            found.append(_target(node, name, _source_place(node)))
        elif node.kind == "model" and node.database in ZONES:
            found.append(_target(node, node.name, _zone_place(node)))
    return found


def _masked(project: Project, node: Node) -> Iterator[Target]:
    if node.kind != "model":
        return
    if node.is_pseudonymized:
        yield _target(node, node.name, _zone_place(node), is_masked=True)
    if node.is_mart:
        published = project.published / f"{node.meta['privacy_audience']}.duckdb"
        if published.is_file():
            place = Place(database=published, schema="main", table=node.identifier)
            yield _target(node, node.name, place, kind="mart", is_masked=True)


def _target(
    node: Node, name: str, place: Place, *, kind: str = "", is_masked: bool = False
) -> Target:
    def declared(key: str) -> dict[str, str]:
        return {
            column.name.lower(): str(column.meta[key])
            for column in node.columns.values()
            if key in column.meta
        }

    patch = str(node.raw.get("patch_path") or "").partition("://")[2]
    return Target(
        name=name,
        kind=kind or node.kind,
        place=place,
        classes=declared("privacy_class"),
        types=declared("privacy_type"),
        masks=declared("privacy_mask"),
        yaml=node.file if node.kind == "source" else patch,
        is_masked=is_masked,
    )


def _zone_place(node: Node) -> Place:
    return Place(database=node.database, schema=node.schema, table=node.identifier)


def _seed_place(project: Project, node: Node) -> Place:
    """The CSV file itself: it is there before anything is built."""
    for root in (Path(str(node.raw.get("root_path") or project.root)), project.root):
        if (root / node.file).is_file():
            return Place(file=root / node.file, delimiter=str(node.config.get("delimiter") or ""))
    return _zone_place(node)


def _source_place(node: Node) -> Place:
    """As dbt-duckdb reads a source: its `external_location`, or a table of the database."""
    known = {**(node.config.get("meta") or {}), **(node.raw.get("meta") or {}), **node.config}
    location = known.get("external_location")
    if not location:
        return _zone_place(node)
    words: dict[str, Any] = {
        **known,
        "name": node.name,
        "identifier": node.identifier,
        "schema": node.schema,
        "database": node.database,
    }
    try:
        text = str(location).format_map(words)
    except (KeyError, ValueError, IndexError, AttributeError):
        return Place()
    if "(" not in text and not text.startswith("'"):
        text = "'{}'".format(text.replace("'", "''"))
    return Place(external=text)


def _of_seed_files(project: Project) -> list[Target]:
    """The CSV files of the seed folders, with what plain YAML declares of them."""
    found = []
    for folder in project.config().get("seed-paths") or ["seeds"]:
        # A path with Jinja in it, which only dbt can render, counts as the default.
        root = project.root / ("seeds" if "{" in str(folder) else str(folder))
        declared = _declared_seeds(project, root)
        for path in sorted(root.rglob("*.csv")):
            target = declared.get(path.stem)
            place = Place(file=path)
            found.append(
                Target(path.stem, "seed", place)
                if target is None
                else _target(target, path.stem, place)
            )
    return found


def _declared_seeds(project: Project, root: Path) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for path in sorted([*root.rglob("*.yml"), *root.rglob("*.yaml")]):
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
            for seed in loaded.get("seeds") or ():
                columns = {column["name"]: column for column in seed.get("columns") or ()}
                where = "://" + path.relative_to(project.root).as_posix()
                found[seed["name"]] = Node(
                    {**seed, "resource_type": "seed", "columns": columns, "patch_path": where}
                )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
            # dbt says what is wrong with it; to the scan the file declares nothing.
            continue
    return found


def _stem(path: Path) -> str:
    return next(path.name.removesuffix(end) for end in FILES[::-1] if path.name.endswith(end))
