"""Statements of Jinja, walked in order; and what a whole template does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from jinja2 import nodes

from veil.bypass.calls import DEEPEST, Arguments, Calls
from veil.bypass.expressions import NOT_FOLLOWED, Call, Issue, parameters
from veil.bypass.jinja import is_plain, parse
from veil.bypass.queries import names_a_zone, rendered
from veil.bypass.readers import Reader
from veil.bypass.rules import Rule
from veil.bypass.values import (
    DATA,
    Hole,
    Inline,
    Piece,
    Relation,
    Text,
    Value,
    Yields,
    joined,
    pieces,
)
from veil.bypass.world import World

_FLOW = Hole(flow=True)
MOST_RUNS = 300
"""Calls of macros that a template defines itself, in one template."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What a template does by itself, and which macros it calls."""

    issues: tuple[Issue, ...] = ()
    calls: tuple[Call, ...] = ()
    seen: frozenset[str] = frozenset()
    reads_refs: bool = False
    pieces: tuple[Piece, ...] = ()


class Walk(Calls):
    """Walks one template.

    Args:
        world: the project.
        this: the node's own relation, None in a macro.
        distrusted: readers by unique id that are not what their name says.
    """

    def __init__(
        self,
        world: World,
        *,
        this: Relation | None = None,
        distrusted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        super().__init__(world, this=this)
        self._distrusted = distrusted
        self._runs = 0

    def reader(self, unique_id: str) -> Reader | None:
        found = super().reader(unique_id)
        return None if found is not None and self._distrusted(unique_id) else found

    def template(self, text: str) -> Walked:
        """Walk the SQL of a node.

        Raises:
            TemplateError: where it does not parse.
        """
        if is_plain(text):
            self.out.append(text)
        else:
            self.run(parse(text).body)
        return self._walked()

    def macro(self, text: str, call: Call | None = None) -> Walked:
        """Walk the macro that a text defines; with `call`, for its arguments alone.

        Raises:
            TemplateError: where it does not parse.
        """
        for node in parse(text).body:
            if isinstance(node, nodes.Macro):
                given = call.arguments if call is not None else ()
                named = dict(call.named) if call is not None else {}
                self._bind(node, given, named, bound=call is not None)
                if call is not None and call.body is not None:
                    self.names["caller"] = Yields(call.body)
                self.run(node.body)
            else:
                self.run([node])
        return self._walked()

    def _walked(self) -> Walked:
        if names_a_zone(rendered(self.out)):
            self.issue(Rule.BY_STRING, "", "names a zone's database in its SQL")
        return Walked(
            tuple(self.issues),
            tuple(self.calls),
            frozenset(self.seen),
            self.reads_refs,
            tuple(self.out),
        )

    # -- frames -----------------------------------------------------------------------------

    def _bind(
        self,
        node: nodes.Macro,
        given: tuple[Value, ...],
        named: Mapping[str, Value],
        *,
        bound: bool,
    ) -> None:
        """Give a macro's parameters their values; unless `bound`, anything may come."""
        defaults = dict(
            zip([one.name for one in node.args[-len(node.defaults) :]], node.defaults, strict=True)
            if node.defaults
            else ()
        )
        for name, value in parameters(node, given, named).items():
            default = self.value(defaults[name]) if name in defaults else DATA
            if value is not None:
                self.names[name] = value
            else:
                self.names[name] = default if bound else joined(default, DATA)

    def inline(self, node: nodes.Macro, arguments: Arguments, body: Text | None) -> Value:
        """Run a macro that the template defines, with the names as they stand at the call."""
        self._runs += 1
        if self.depth > DEEPEST or self._runs > MOST_RUNS or arguments.loose:
            return self.issue(Rule.READS, node.name, NOT_FOLLOWED)
        bound = {one.name for one in node.args}
        for value in (
            *arguments.given[len(node.args) :],
            *(one for name, one in arguments.named.items() if name not in bound),
        ):
            # `varargs` and `kwargs` hand it out again.
            self.data(value)
        names, out, self.out = self.names, self.out, []
        self.names = dict(names)
        self._bind(node, tuple(arguments.given), arguments.named, bound=True)
        if body is not None:
            self.names["caller"] = Yields(body)
        self.depth += 1
        self.run(node.body)
        self.depth -= 1
        made = Text(tuple(self.out))
        self.names, self.out = names, out
        return made

    def captured(self, body: list[nodes.Node]) -> Text:
        """The text that a block makes."""
        out, self.out = self.out, []
        self.run(body)
        made, self.out = Text(tuple(self.out)), out
        return made

    def _branches(self, bodies: Iterable[list[nodes.Node]]) -> None:
        """Run each body on the names as they are now, and keep what any of them leaves."""
        before = self.names
        after: dict[str, Value] | None = None
        self.out.append(_FLOW)
        for body in bodies:
            self.names = dict(before)
            self.run(body)
            if after is None:
                after = self.names
            else:
                merged = {}
                for name in after.keys() | self.names.keys():
                    first, second = after.get(name), self.names.get(name)
                    if first is None or second is None:
                        # On the other branch the name means what the context says.
                        first = first if first is not None else self.lookup(name)
                        second = second if second is not None else self.lookup(name)
                    merged[name] = joined(first, second)
                after = merged
        self.names = after if after is not None else before
        self.out.append(_FLOW)

    def _assign(self, target: nodes.Node, value: Value) -> None:
        if isinstance(target, nodes.Name):
            self.names[target.name] = value
            return
        self.data(value)
        for name in target.find_all(nodes.Name):
            self.names[name.name] = DATA

    # -- statements -------------------------------------------------------------------------

    def run(self, body: Iterable[nodes.Node]) -> None:
        for node in body:
            method = getattr(self, f"_run_{type(node).__name__.lower()}", None)
            if method is None:
                self.issue(Rule.READS, f"{{% {type(node).__name__.lower()} %}}", NOT_FOLLOWED)
            else:
                method(node)

    def _run_output(self, node: nodes.Output) -> None:
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                self.out.append(child.data)
            else:
                self.out.extend(pieces(self.data(self.value(child))))

    def _run_assign(self, node: nodes.Assign) -> None:
        targets = node.target.items if isinstance(node.target, nodes.Tuple) else []
        values = node.node.items if isinstance(node.node, nodes.Tuple) else []
        if targets and len(targets) == len(values):
            for target, value in zip(targets, [self.value(one) for one in values], strict=True):
                self._assign(target, value)
        else:
            self._assign(node.target, self.value(node.node))

    def _run_assignblock(self, node: nodes.AssignBlock) -> None:
        text = self.captured(node.body)
        self._assign(node.target, text if node.filter is None else DATA)
        if node.filter is not None:
            self.value(node.filter)

    def _run_if(self, node: nodes.If) -> None:
        self.value(node.test)
        bodies = [node.body]
        for other in node.elif_:
            self.value(other.test)
            bodies.append(other.body)
        self._branches([*bodies, node.else_])

    def _run_for(self, node: nodes.For) -> None:
        self.data(self.value(node.iter))
        before = dict(self.names)
        self.names = dict(before)
        self._assign(node.target, DATA)
        self.names["loop"] = DATA
        if node.test is not None:
            self.value(node.test)
        self.out.append(_FLOW)
        # A name set inside a loop is forgotten after each round.
        self.run(node.body)
        self.names = dict(before)
        self.run(node.else_)
        self.names = before
        self.out.append(_FLOW)

    def _run_macro(self, node: nodes.Macro) -> None:
        self.names[node.name] = Inline(node)
        # dbt's own name for a macro that stands inside a template.
        self.names[f"dbt_macro__{node.name}"] = Inline(node)

    def _run_callblock(self, node: nodes.CallBlock) -> None:
        names = self.names
        self.names = dict(names)
        for argument in node.args:
            self.names[argument.name] = DATA
        for default in node.defaults:
            self.data(self.value(default))
        body = self.captured(node.body)
        self.names = names
        self.out.extend(pieces(self.data(self.call(node.call, body))))

    def _run_filterblock(self, node: nodes.FilterBlock) -> None:
        self.captured(node.body)
        self.value(node.filter)
        self.out.append(Hole())

    def _run_with(self, node: nodes.With) -> None:
        names = self.names
        values = [self.value(one) for one in node.values]
        self.names = dict(names)
        for target, value in zip(node.targets, values, strict=True):
            self._assign(target, value)
        self.run(node.body)
        self.names = names

    def _run_exprstmt(self, node: nodes.ExprStmt) -> None:
        self.value(node.node)

    def _run_block(self, node: nodes.Block) -> None:
        self.run(node.body)

    def _run_scope(self, node: nodes.Scope) -> None:
        self.run(node.body)

    def _run_break(self, node: nodes.Break) -> None:
        """Jumps change what is run, and everything is walked anyway."""

    _run_continue = _run_break


__all__ = ["Call", "Issue", "Relation", "Walk", "Walked"]
