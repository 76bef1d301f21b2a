"""Rules about promises and gates: what a mart must say, and what must run on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from veil.policy.graph import DIFFERENTIAL, Graph, Node
from veil.policy.rules.common import LEAST_THRESHOLD, Rule, title

RELEASES = {"suppressed": "no_small_cells", DIFFERENTIAL: ""}
"""Kinds of release, and the gate that each needs; noise needs none."""
AUDIENCE = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""An audience's name becomes a file's name."""


HOOKS = (("check_model", "pre-hook"), ("gate_model", "post-hook"))
"""The macros that a model runs in its transaction; a snapshot has no gate after it is written."""


def hooks_are_set(graph: Graph, node: Node) -> Iterator[str]:
    hooks = {"model": HOOKS, "snapshot": HOOKS[:1]}.get(node.kind, ())
    for macro, key in hooks:
        if not any(_calls(hook, macro) for hook in node.config.get(key) or ()):
            yield (
                f"{title(node)} is in scope but does not run `veil.{macro}()` in its transaction."
                f' Add `+{key}: "{{{{ veil.{macro}() }}}}"` to its folder in dbt_project.yml.'
            )


def _calls(hook: Any, macro: str) -> bool:
    """Whether a hook is exactly the call of `macro`, inside the model's transaction."""
    sql = hook.get("sql") if isinstance(hook, Mapping) else hook
    inside = hook.get("transaction", True) if isinstance(hook, Mapping) else True
    call = re.compile(rf"\{{\{{-?\s*veil\.{macro}\(\s*\)\s*-?\}}\}}")
    return inside is not False and call.fullmatch(str(sql).strip()) is not None


def promise_is_whole(graph: Graph, node: Node) -> Iterator[str]:
    if not node.is_mart:
        return
    where = title(node)
    if node.kind != "model":
        yield f"{where} has an audience, but only a model can be gated. Make it a model."
        return
    for key in ("privacy_population", "privacy_release", "privacy_unit"):
        if not node.meta.get(key):
            yield f"{where} has an audience but no `{key}`. Add it to its `config.meta`."
    audience = node.meta.get("privacy_audience")
    if not isinstance(audience, str) or not AUDIENCE.fullmatch(audience):
        yield (
            f"{where} has no usable `privacy_audience`. It is one name in small letters, for"
            " example `research`."
        )
    release = node.meta.get("privacy_release")
    if release and release not in RELEASES:
        yield (
            f"{where} has the unknown `privacy_release` `{release}`. This version knows:"
            f" {', '.join(RELEASES)}."
        )
    threshold = node.meta.get("privacy_threshold")
    if threshold is not None and release == DIFFERENTIAL:
        yield (
            f"{where} has a `privacy_threshold`, which says nothing of noise. Take it out; private"
            " partitions have `delta` and `pre_threshold`."
        )
        threshold = None
    whole = isinstance(threshold, int) and not isinstance(threshold, bool)
    if threshold is not None and not (whole and threshold >= LEAST_THRESHOLD):
        yield (
            f"{where} has no usable `privacy_threshold`."
            f" It is a whole number from {LEAST_THRESHOLD}."
        )
    gates = {test["test_metadata"]["name"] for test in graph.gates(node)}
    gate = RELEASES.get(str(release))
    if gate and gate not in gates:
        yield (
            f"{where} promises `{release}` but lacks its gate."
            f" Add `veil.{gate}` to its `data_tests`."
        )
    if not node.config.get("contract", {}).get("enforced"):
        yield f"{where} has no enforced contract. Add `contract: {{enforced: true}}` to its config."


def names_differ(graph: Graph, node: Node) -> Iterator[str]:
    """Two marts of one audience would be one table in its file."""
    if not node.is_mart:
        return
    twins = [
        other
        for other in graph.marts
        if other.name.lower() == node.name.lower()
        and other.meta["privacy_audience"] == node.meta["privacy_audience"]
    ]
    if len(twins) > 1:
        yield (
            f"{title(node)} has the name of another mart of its audience, small and capital letters"
            " alike. Rename one, or give only one version an audience."
        )


def gates_are_whole(graph: Graph, node: Node) -> Iterator[str]:
    for test in graph.gates(node):
        config = test.get("config") or {}
        weak = [key for key in ("where", "limit") if config.get(key) is not None]
        if str(config.get("severity", "ERROR")).upper() != "ERROR":
            weak.append("severity")
        if str(config.get("error_if", "!= 0")) != "!= 0":
            weak.append("error_if")
        if config.get("store_failures"):
            weak.append("store_failures")
        if weak:
            yield (
                f"{title(node)} weakens its gate `{test['test_metadata']['name']}` by"
                f" `{weak[0]}`. Take it out."
            )


RULES: tuple[Rule, ...] = (hooks_are_set, promise_is_whole, names_differ, gates_are_whole)
