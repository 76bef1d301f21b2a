"""Expressions of Jinja, walked: what each stands for, and where a power gets out of sight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import nodes

from veil.bypass.known import (
    ADAPTER_METHODS,
    ATTRIBUTES,
    BRIDGES,
    DANGEROUS_ATTRIBUTES,
    DATA_NAMES,
    FREE_ATTRIBUTES,
    PLACES,
    POWERS,
    READING_NAMES,
)
from veil.bypass.rules import Rule
from veil.bypass.values import (
    DATA,
    HARMLESS,
    PLACE,
    Const,
    Data,
    Either,
    Inline,
    Known,
    Macros,
    Method,
    Package,
    Piece,
    Relation,
    Text,
    Unknown,
    Value,
    Yields,
    joined,
    options,
    pieces,
)
from veil.bypass.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_FOLLOWED = "cannot be followed"
_WORD = re.compile(r"\w+")
_CONTEXT = {"context", "builtins"}


@dataclass(frozen=True, slots=True)
class Issue:
    """What a template does that it must not.

    Attributes:
        rule: the rule that it breaks.
        what: name of the macro, method or context member; never a text of the template.
        why: a phrase that follows the name.
        trail: names of the macros from the template to it, itself left out.
    """

    rule: Rule
    what: str
    why: str
    trail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a macro that is walked in its turn.

    Attributes:
        macro: unique id.
        arguments, named: the arguments.
        body: text of the call block.
        loose: the arguments are not all known.
    """

    macro: str
    arguments: tuple[Value, ...] = ()
    named: tuple[tuple[str, Value], ...] = ()
    body: Text | None = None
    loose: bool = False


class Expressions:
    """Evaluates expressions in one frame of names.

    Attributes:
        issues: found so far, each once, in order.
        calls: macros of other packages that are called.
        seen: unique ids of all macros that were called, whatever came of it.
        reads_refs: whether `ref()`, `source()` or the graph was asked for a relation.
    """

    def __init__(self, world: World, *, this: Relation | None) -> None:
        self.world = world
        self.issues: dict[Issue, None] = {}
        self.calls: dict[Call, None] = {}
        self.seen: set[str] = set()
        self.reads_refs = False
        self._this = this
        self.names: dict[str, Value] = {}
        self.out: list[Piece] = []

    def issue(self, rule: Rule, what: str, why: str) -> Value:
        self.issues[Issue(rule, what, why)] = None
        return DATA

    def call(self, node: nodes.Call, body: Text | None = None) -> Value:
        raise NotImplementedError

    def call_macros(self, value: Macros, *, loose: bool) -> Value:
        raise NotImplementedError

    # -- powers -----------------------------------------------------------------------------

    def data(self, value: Value) -> Value:
        """A value that goes where the walk cannot follow it: it must be without power."""
        for one in options(value):
            if isinstance(one, Macros):
                # Whoever gets hold of it may call it, with whatever arguments.
                self.call_macros(one, loose=True)
            elif isinstance(one, Package | Inline):
                name = one.name if isinstance(one, Package) else one.node.name
                self.issue(Rule.READS, name, "is handed on, and " + NOT_FOLLOWED)
            elif (isinstance(one, Known) and one.name in POWERS | {"load_result"}) or (
                isinstance(one, Method) and (one.owner != "adapter" or one.name == "dispatch")
            ):
                self.issue(Rule.READS, one.name, "is handed on, and " + NOT_FOLLOWED)
        return value if isinstance(value, HARMLESS) else DATA

    def lookup(self, name: str) -> Value:
        """What a name of dbt's context stands for."""
        found: list[Value] = []
        ids = self.world.named(name)
        if ids:
            found.append(Macros(name, ids))
        if name == "load_result" or name in POWERS:
            found.append(Known(name))
        elif name in READING_NAMES:
            found.append(self.issue(Rule.READS, name, READING_NAMES[name]))
        elif name == "this" and self._this is not None:
            found.append(self._this)
        elif name in DATA_NAMES or name == "this":
            found.append(Known(name))
        elif name in self.world.packages:
            found.append(Package(name))
        if not found:
            return Unknown(name)
        return found[0] if len(found) == 1 else joined(found[0], found[1])

    def member(self, owner: Value, name: str) -> Value:
        """What an attribute or an item of a known name stands for."""
        result: Value | None = None
        for one in options(owner):
            value = self._member(one, name)
            result = value if result is None else joined(result, value)
        return result if result is not None else DATA

    def _member(self, owner: Value, name: str) -> Value:
        if isinstance(owner, Package):
            ids = self.world.in_package(owner.name, name)
            return Macros(name, ids) if ids else Unknown(name)
        if isinstance(owner, Known):
            return self._of_context(owner.name, name)
        if isinstance(owner, Unknown):
            return owner
        if isinstance(owner, Method) and owner.name != "behavior":
            return self.issue(Rule.READS, owner.name, "is taken apart, and " + NOT_FOLLOWED)
        if isinstance(owner, Macros | Inline):
            what = owner.name if isinstance(owner, Macros) else owner.node.name
            return self.issue(Rule.READS, what, "is taken apart, and " + NOT_FOLLOWED)
        if name in DANGEROUS_ATTRIBUTES:
            return self.issue(_rule_of(name), name, "reaches the database")
        if isinstance(owner, Relation) or (isinstance(owner, Data) and owner.place):
            if name in {"replace_path", "incorporate"}:
                self.issue(Rule.BY_STRING, name, "makes another relation of one")
            return PLACE
        # A relation's own database, wherever the relation came from.
        return PLACE if name == "database" else DATA

    def _of_context(self, owner: str, name: str) -> Value:
        if owner in _CONTEXT:
            return Method("context", "get") if name == "get" else self.lookup(name)
        if owner == "adapter":
            if name == "Relation":
                return Known("api.Relation")
            if name in ADAPTER_METHODS:
                return Method("adapter", name)
            what = name if _WORD.fullmatch(name) else "adapter"
            return self.issue(_rule_of(name), f"adapter.{what}", "reaches the database")
        if owner == "api":
            return Known("api.Relation") if name == "Relation" else DATA
        if owner == "api.Relation":
            if name in DANGEROUS_ATTRIBUTES:
                return self.issue(Rule.READS, name, "reaches the database")
            return Method("api.Relation", name) if name.startswith("create") else DATA
        if name in ATTRIBUTES.get(owner, ()) or owner in FREE_ATTRIBUTES:
            if name in DANGEROUS_ATTRIBUTES:
                return self.issue(_rule_of(name), name, "reaches the database")
            if owner == "graph":
                self.reads_refs = True
            return PLACE if owner in PLACES else DATA
        return self.issue(Rule.READS, owner, "is taken apart, and " + NOT_FOLLOWED)

    # -- expressions ------------------------------------------------------------------------

    def value(self, node: nodes.Node) -> Value:
        """What an expression stands for."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Value = method(node)
            return found
        if isinstance(node, nodes.BinExpr | nodes.UnaryExpr | nodes.Compare | nodes.Operand):
            for child in node.iter_child_nodes():
                # What is compared is not handed on.
                self.value(child)
            return DATA
        for child in node.iter_child_nodes():
            self.data(self.value(child))
        return DATA

    def _const(self, node: nodes.Const) -> Value:
        return Text((node.value,)) if isinstance(node.value, str) else Const(node.value)

    def _templatedata(self, node: nodes.TemplateData) -> Value:
        return Text((node.data,))

    def _name(self, node: nodes.Name) -> Value:
        return self.names[node.name] if node.name in self.names else self.lookup(node.name)

    def _getattr(self, node: nodes.Getattr) -> Value:
        return self.member(self.value(node.node), node.attr)

    def _getitem(self, node: nodes.Getitem) -> Value:
        owner, key = self.value(node.node), self.data(self.value(node.arg))
        name = key.literal if isinstance(key, Text) else None
        if name is not None:
            return self.member(owner, name)
        if any(isinstance(one, Method | Macros | Package | Inline) for one in options(owner)) or (
            any(
                isinstance(one, Known) and one.name not in FREE_ATTRIBUTES for one in options(owner)
            )
        ):
            what = next(
                (one.name for one in options(owner) if isinstance(one, Known | Package)), "a name"
            )
            return self.issue(Rule.READS, f"{what}[…]", NOT_FOLLOWED)
        return PLACE if isinstance(owner, Data) and owner.place else DATA

    def _call(self, node: nodes.Call) -> Value:
        return self.call(node)

    def _filter(self, node: nodes.Filter) -> Value:
        arguments = [self.value(one) for one in (*node.args, *(pair.value for pair in node.kwargs))]
        for extra in (node.dyn_args, node.dyn_kwargs):
            if extra is not None:
                self.data(self.value(extra))
        subject = self.value(node.node) if node.node is not None else DATA
        if node.name == "attr" and len(arguments) == 1:
            name = arguments[0].literal if isinstance(arguments[0], Text) else None
            if name is not None:
                return self.member(subject, name)
        if node.name in {"default", "d"} and arguments:
            return joined(subject, arguments[0])
        for argument in arguments:
            self.data(argument)
            attribute = argument.literal if isinstance(argument, Text) else None
            # `map(attribute='…')` and its kin look names up on every item.
            if attribute is not None and set(attribute.split(".")) & DANGEROUS_ATTRIBUTES:
                self.issue(Rule.READS, node.name, "reaches the database")
        subject = self.data(subject)
        text = subject.literal if isinstance(subject, Text) else None
        if text is not None and node.name in _TEXT_FILTERS and not arguments:
            return Text((_TEXT_FILTERS[node.name](text),))
        return subject if node.name in {"as_text", "string", "trim", "safe"} else DATA

    def _test(self, node: nodes.Test) -> Value:
        self.value(node.node)
        for argument in node.args or ():
            self.value(argument)
        return DATA

    def _concat(self, node: nodes.Concat) -> Value:
        values = [self.data(self.value(one)) for one in node.nodes]
        return Text(tuple(piece for value in values for piece in pieces(value)))

    def _add(self, node: nodes.Add) -> Value:
        left, right = self.data(self.value(node.left)), self.data(self.value(node.right))
        if isinstance(left, Text) and isinstance(right, Text):
            return Text(left.pieces + right.pieces)
        return DATA

    def _condexpr(self, node: nodes.CondExpr) -> Value:
        self.value(node.test)
        other = self.value(node.expr2) if node.expr2 is not None else DATA
        return joined(self.value(node.expr1), other)

    def _and(self, node: nodes.And) -> Value:
        return joined(self.value(node.left), self.value(node.right))

    def _or(self, node: nodes.Or) -> Value:
        return joined(self.value(node.left), self.value(node.right))


def _rule_of(name: str) -> Rule:
    return Rule.PRIVATE if name in BRIDGES else Rule.READS


_TEXT_FILTERS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "string": str,
    "trim": str.strip,
    "upper": str.upper,
}


def parameters(
    node: nodes.Macro, arguments: tuple[Value, ...], named: Mapping[str, Value]
) -> dict[str, Value | None]:
    """Arguments by the parameters of a macro; None where the default holds."""
    names = [one.name for one in node.args]
    found: dict[str, Value | None] = dict.fromkeys(names)
    found.update(zip(names, arguments, strict=False))
    found.update({name: value for name, value in named.items() if name in found})
    return found


__all__ = ["Call", "Either", "Expressions", "Issue", "Yields", "parameters"]
