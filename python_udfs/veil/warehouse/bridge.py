"""What the package's macros may ask of Python: a fixed list of calls, each a plain function.

A request arrives through dbt-duckdb's `store` hook as Python objects, not as SQL text, so the graph
does not reach dbt's log on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from veil.emergency_plan import UNFINISHED, pending_emergency
from veil.errors import VeilError
from veil.findings import Level
from veil.keys.rotation import expiry_lines
from veil.policy.budgets import check_budgets
from veil.policy.definition import definition_hash, policy_hash
from veil.policy.graph import Graph, Node
from veil.policy.overrides import check_overrides
from veil.policy.partial_runs import check_partial_run
from veil.policy.rules import check_node, check_project, refuse
from veil.policy.settings import check_settings
from veil.warehouse.artifacts import scan_artifacts, wanted_of
from veil.warehouse.budgeting import declare_budgets
from veil.warehouse.content import content_sql
from veil.warehouse.drift import drifts
from veil.warehouse.partial import partial_relations, whole_sql
from veil.warehouse.private_release import check_copy, draw_release
from veil.warehouse.publish import publish
from veil.warehouse.receipts import Receipt, insert_sql
from veil.warehouse.recording import note_end, note_start
from veil.warehouse.rekey import rekey_stored
from veil.warehouse.run_checks import check_run
from veil.warehouse.session import Session
from veil.warehouse.stored_pseudonyms import permitted_kids

Payload = Mapping[str, Any]


def _start_run(session: Session, payload: Payload) -> list[str]:
    """Everything that must hold before a model is built; returns what a person should know."""
    check_settings(
        session.project.config(),
        profile=payload["profile"],
        threshold=payload["threshold"],
        publish=payload["publish"],
        waivers=payload["waivers"],
        command_line=session.command_line_variables(),
    )
    check_overrides(session.project)
    graph, _gate = session.run(payload["graph"], threshold=payload["threshold"])
    if session.is_partial_run():
        check_partial_run(graph, payload["selected"])
    check_project(graph, command=payload["command"])
    check_run(session.project)
    refuse([str(one) for one in drifts(session.conn, session.project, graph)])
    left = rekey_stored(
        session.conn,
        session.keyring,
        graph,
        selected=payload["selected"],
        full_refresh=session.is_full_refresh(),
    )
    refuse([str(one) for one in left if one.level is Level.ERROR])
    check_budgets(graph, session.project.config())
    keeper = session.require_keeper()
    raised = declare_budgets(session.project, session.keyring, keeper, graph)
    note_start(session, graph, command=payload["command"], target=payload["target"])
    session.started = True
    pending = [UNFINISHED] if pending_emergency(keeper) else []
    return [*pending, *raised, *(str(one) for one in left), *expiry_lines(session.keyring)]


def _require_start(session: Session) -> None:
    """A hook of another package that fails before ours makes dbt skip ours and build all the same.

    Raises:
        VeilError: where the run was never checked.
    """
    if not session.started:
        raise VeilError(
            "`veil.start_run()` did not let this run pass: a hook before it failed, or it is gone.",
            remedy="Mend that hook, and set `flags: {skip_nodes_if_on_run_start_fails: true}` in"
            " dbt_project.yml.",
        )


def _is_partial_run(session: Session, payload: Payload) -> bool:
    return session.is_partial_run()


def _check_model(session: Session, payload: Payload) -> None:
    _require_start(session)
    graph, gate = session.run(payload["graph"], threshold=payload["threshold"])
    node = graph.node(payload["model"]["unique_id"])
    check_node(graph, node)
    sql = str(payload["model"].get("compiled_code") or "")
    found = gate.check(node, sql, full_refresh=payload["full_refresh"])
    refuse([str(one) for one in found])
    if session.tokens is not None:
        session.tokens.prepare(graph, node)


def _draw_release(session: Session, payload: Payload) -> dict[str, Any]:
    """The cells of a differential mart that passed its gates; charged where they are new."""
    graph, gate = session.run(payload["graph"], threshold=payload["threshold"])
    node = graph.node(payload["unique_id"])
    _refuse_partial(session, graph, node)
    drawn = draw_release(session, graph, node, gate.passed_sql(node))
    return {"relation": drawn.relation, "line": drawn.line}


def _note_sql(session: Session, payload: Payload) -> str:
    graph, gate = session.run(payload["graph"], threshold=payload["threshold"])
    return gate.note_sql(graph.node(payload["unique_id"]))


def _pseudonym_kids(session: Session, payload: Payload) -> list[str]:
    return permitted_kids(session.keyring, payload["domain"])


def _content_sql(session: Session, payload: Payload) -> str:
    return content_sql(payload["relation"])


def _refuse_partial(session: Session, graph: Graph, mart: Node) -> None:
    """Refuse a mart over a table that holds part of its rows."""
    partial = partial_relations(session.conn)
    for node in graph.ancestors(mart):
        if node.relation in partial:
            raise VeilError(
                f"model `{mart.name}` stands on `{node.name}`, which was last built with `--empty`"
                " or `--sample`.",
                remedy=f"Build both whole: `dbt build --select +{mart.name}`.",
            )


def _receipt_sql(session: Session, payload: Payload) -> str:
    graph, _gate = session.run(payload["graph"], threshold=payload["threshold"])
    mart = graph.node(payload["unique_id"])
    if payload["database"] != "marts":
        raise VeilError(
            f"model `{mart.name}` has an audience but is not built in the database `marts`.",
            remedy="Set `+database: marts` on its folder.",
        )
    if mart.is_differential:
        check_copy(session, mart, payload["content_hash"])
    _refuse_partial(session, graph, mart)
    receipt = Receipt(
        mart=mart.unique_id,
        relation=payload["relation"],
        content_hash=payload["content_hash"],
        rows=payload["rows"],
        definition_hash=definition_hash(graph, mart),
        policy_hash=policy_hash(graph, mart, threshold=payload["threshold"]),
        gates=tuple(payload["gates"]),
    )
    return insert_sql(receipt, session.keyring)


def _scan(session: Session, payload: Payload) -> list[str]:
    """Look through what the run has written; errors stop it, the rest is said."""
    graph, _gate = session.run(payload["graph"], threshold=payload["threshold"])
    if session.wanted is None:
        session.wanted = wanted_of(session.conn, graph)
    found = scan_artifacts(
        session.project,
        session.conn,
        session.keyring,
        graph,
        since_last=True,
        wanted=session.wanted,
    )
    # What is published already is about to be written anew, or was looked at when it was.
    if payload["before"]:
        found = [one for one in found if not one.file.startswith("published/")]
    refuse([str(one) for one in found if one.level is Level.ERROR])
    return [str(one) for one in found]


def _whole_sql(session: Session, payload: Payload) -> str:
    whole = not session.is_partial_run()
    return whole_sql(payload["database"], payload["relation"], whole=whole)


def _note_end(session: Session, payload: Payload) -> None:
    # A run that was refused at its start never began.
    if session.started:
        note_end(session, states=payload["states"], command=payload["command"])


def _publish(session: Session, payload: Payload) -> list[str]:
    if session.is_build():
        _require_start(session)
    return publish(
        session,
        session.run(payload["graph"], threshold=payload["threshold"])[0],
        states=payload["states"],
        threshold=payload["threshold"],
    )


CALLS: dict[str, Callable[[Session, Payload], Any]] = {
    "start_run": _start_run,
    "is_partial_run": _is_partial_run,
    "check_model": _check_model,
    "draw_release": _draw_release,
    "note_sql": _note_sql,
    "pseudonym_kids": _pseudonym_kids,
    "content_sql": _content_sql,
    "receipt_sql": _receipt_sql,
    "whole_sql": _whole_sql,
    "note_end": _note_end,
    "publish": _publish,
    "scan": _scan,
}


def answer(session: Session, call: str, payload: Payload) -> Any:
    """Answer one request.

    Raises:
        VeilError: the refusal, or an unknown call.
    """
    handler = CALLS.get(call)
    if handler is None:
        raise VeilError(f"the plugin knows no call `{call}`; package and plugin differ in version.")
    return handler(session, payload)
