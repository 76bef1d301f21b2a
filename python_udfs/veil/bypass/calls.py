"""Calls in Jinja, walked: of context functions, of adapter methods, of macros."""

from __future__ import annotations

from jinja2 import nodes

from veil.bypass.expressions import NOT_FOLLOWED, Call, Expressions
from veil.bypass.jinja import TemplateError, parse
from veil.bypass.known import (
    BUILT_IN,
    HARMLESS_MACROS,
    LISTED,
    TEXT_MACROS,
    VEIL_HOOKS,
    VEIL_MACROS,
    base_name,
)
from veil.bypass.queries import is_plain_expression
from veil.bypass.readers import READERS, Kind, Reader, reads_public
from veil.bypass.rules import Rule
from veil.bypass.values import (
    DATA,
    HARMLESS,
    PLACE,
    Const,
    Data,
    Inline,
    Known,
    Macros,
    Method,
    Package,
    Relation,
    Text,
    Unknown,
    Value,
    Yields,
    joined,
    options,
)
from veil.bypass.world import World
from veil.project import ZONES

DEEPEST = 12
"""Macros inside a template that call each other, at most so deep."""
_SOME_SQL = Text(("current_timestamp",))
"""Stands for the SQL that a text macro of dbt writes from plain arguments."""


class Arguments:
    """The arguments of one call, each evaluated once."""

    def __init__(self, walk: Expressions, node: nodes.Call) -> None:
        self.given = [walk.value(one) for one in node.args]
        self.named = {pair.key: walk.value(pair.value) for pair in node.kwargs}
        self.loose = False
        for extra in (node.dyn_args, node.dyn_kwargs):
            if extra is not None:
                walk.data(walk.value(extra))
                self.loose = True

    @property
    def all(self) -> list[Value]:
        return [*self.given, *self.named.values()]

    def texts(self) -> list[str] | None:
        """The positional ones, where each is a known text."""
        found = [one.literal if isinstance(one, Text) else None for one in self.given]
        return None if self.loose or None in found else [one for one in found if one is not None]


class Calls(Expressions):
    """Judges what is called, and hands on the calls of macros that are to be walked."""

    def __init__(self, world: World, *, this: Relation | None) -> None:
        super().__init__(world, this=this)
        self.statements: set[str] = set()
        self.depth = 0

    def run(self, body: list[nodes.Node]) -> None:
        raise NotImplementedError

    def inline(self, node: nodes.Macro, arguments: Arguments, body: Text | None) -> Value:
        raise NotImplementedError

    def reader(self, unique_id: str) -> Reader | None:
        """The entry of a macro in the list of readers, if it can be trusted to be that reader."""
        return READERS.get(
            (self.world.package_of(unique_id), base_name(self.world.name_of(unique_id)))
        )

    def call(self, node: nodes.Call, body: Text | None = None) -> Value:
        callee = self.value(node.node)
        arguments = Arguments(self, node)
        result: Value | None = None
        for one in options(callee):
            value = self._apply(one, arguments, body)
            result = value if result is None else joined(result, value)
        return result if result is not None else DATA

    def _apply(self, callee: Value, arguments: Arguments, body: Text | None) -> Value:
        if isinstance(callee, Macros):
            return self._macros(callee, arguments, body)
        if isinstance(callee, Inline):
            return self.inline(callee.node, arguments, body)
        if isinstance(callee, Known):
            return self._context(callee.name, arguments)
        if isinstance(callee, Method):
            return self._method(callee, arguments)
        for one in arguments.all:
            self.data(one)
        if isinstance(callee, Yields):
            return callee.value
        if isinstance(callee, Package | Unknown):
            self.issue(Rule.READS, callee.name, "is called, and is not known to read nothing")
        return PLACE if isinstance(callee, Data) and callee.place else DATA

    # -- dbt's context ----------------------------------------------------------------------

    def _context(self, name: str, arguments: Arguments) -> Value:
        for one in arguments.all:
            self.data(one)
        texts = arguments.texts()
        if name in {"ref", "source"}:
            self.reads_refs = True
            if not texts or set(arguments.named) - {"v", "version"}:
                return PLACE
            return self.world.ref(texts) if name == "ref" else self.world.source(texts)
        if name in {"function", "metric"}:
            return DATA
        if name == "var":
            default = arguments.given[1] if len(arguments.given) > 1 else None
            default = arguments.named.get("default", default)
            first = arguments.given[0] if arguments.given else None
            known = first.literal if isinstance(first, Text) else None
            return DATA if known is None else self.world.variable(known, default)
        if name == "render":
            return self._render(arguments)
        if name == "load_result":
            if texts and len(texts) == 1 and texts[0] in self.statements and not arguments.named:
                return DATA
            return self.issue(Rule.READS, name, "gives the rows of a statement")
        if name == "api.Relation":
            return self._create(arguments)
        if name in {"adapter", "api", "builtins", "context"}:
            return self.issue(Rule.READS, name, "is called, and " + NOT_FOLLOWED)
        return DATA

    def _render(self, arguments: Arguments) -> Value:
        given = arguments.given[0] if arguments.given else arguments.named.get("string", DATA)
        text = given.literal if isinstance(given, Text) else None
        if text is None or self.depth > DEEPEST:
            return self.issue(Rule.READS, "render", "runs Jinja that " + NOT_FOLLOWED)
        try:
            template = parse(text)
        except TemplateError:
            return self.issue(Rule.READS, "render", "runs Jinja that " + NOT_FOLLOWED)
        # It sees the context and none of this template's own names.
        names, out, self.names, self.out = self.names, self.out, {}, []
        self.depth += 1
        self.run(template.body)
        self.depth -= 1
        made, self.names, self.out = Text(tuple(self.out)), names, out
        return made

    def _method(self, method: Method, arguments: Arguments) -> Value:
        for one in arguments.all:
            self.data(one)
        first = arguments.given[0] if arguments.given else None
        text = first.literal if isinstance(first, Text) else None
        if method.owner == "context":
            if text is None or arguments.loose:
                return self.issue(Rule.READS, "context.get", NOT_FOLLOWED)
            return self.lookup(text)
        if method.owner == "api.Relation":
            return self._create(arguments)
        if method.name == "dispatch":
            if text is None:
                named = arguments.named.get("macro_name")
                text = named.literal if isinstance(named, Text) else None
            if text is None or arguments.loose:
                return self.issue(Rule.READS, "adapter.dispatch", "of a name that " + NOT_FOLLOWED)
            ids = self.world.dispatched(text)
            return Macros(text, ids) if ids else Unknown("adapter.dispatch")
        if method.name == "get_relation":
            database = arguments.named.get("database", first)
            place = isinstance(database, Data) and database.place
            if not place and database != Const(None):
                self.issue(Rule.BY_STRING, "adapter.get_relation", "names a database")
            return PLACE
        return DATA

    def _create(self, arguments: Arguments) -> Value:
        """`api.Relation.create`: fine within the run's own database."""
        first = arguments.given[0] if arguments.given else None
        database = arguments.named.get("database", first)
        if arguments.loose or database not in {None, PLACE, Const(None)}:
            self.issue(Rule.BY_STRING, "api.Relation.create", "makes a relation from strings")
        if any(
            isinstance(one, Text) and (one.literal is None or one.literal.lower() in ZONES)
            for one in arguments.all
        ):
            self.issue(Rule.BY_STRING, "api.Relation.create", "makes a relation from strings")
        return PLACE

    # -- macros -----------------------------------------------------------------------------

    def call_macros(self, value: Macros, *, loose: bool) -> Value:
        for unique_id in value.ids:
            self.seen.add(unique_id)
            if self.world.package_of(unique_id) in LISTED:
                self._listed(unique_id, None, None)
            elif self.reader(unique_id) is not None:
                self.issue(Rule.READS, self.world.display(unique_id), "reads data")
            else:
                self.calls[Call(unique_id, loose=loose)] = None
        return DATA

    def _macros(self, callee: Macros, arguments: Arguments, body: Text | None) -> Value:
        named = {name: self.data(value) for name, value in arguments.named.items()}
        given = tuple(self.data(value) for value in arguments.given)
        text = True
        for unique_id in callee.ids:
            self.seen.add(unique_id)
            text = text and self.world.package_of(unique_id) in LISTED
            text = text and base_name(self.world.name_of(unique_id)) in TEXT_MACROS
            if self.world.package_of(unique_id) in LISTED:
                self._listed(unique_id, arguments, body)
                continue
            reader = self.reader(unique_id)
            if reader is not None:
                self._read(unique_id, reader, arguments, body)
            else:
                call = Call(unique_id, given, tuple(named.items()), body, arguments.loose)
                self.calls[call] = None
        plain = all(
            isinstance(one, Const)
            or (isinstance(one, Text) and is_plain_expression(one.literal or ""))
            for one in arguments.all
        )
        return _SOME_SQL if text and plain and not arguments.loose else DATA

    def call_listed(self, unique_id: str) -> None:
        """Judge a macro of a listed package, called with whatever arguments."""
        self._listed(unique_id, None, None)

    def _listed(self, unique_id: str, arguments: Arguments | None, body: Text | None) -> None:
        package, name = self.world.package_of(unique_id), base_name(self.world.name_of(unique_id))
        display = f"{package}.{name}"
        if package not in BUILT_IN:
            if name.startswith("_"):
                self.issue(Rule.PRIVATE, display, "is veil's own and for nobody else")
            elif name in VEIL_HOOKS:
                self.issue(Rule.READS, display, "belongs into a hook, and nowhere else")
            elif name not in VEIL_MACROS:
                self.issue(Rule.READS, display, "is none of veil's macros for models")
            return
        if name == "store_relation":
            self.issue(Rule.PRIVATE, display, "hands a request to a plugin")
        elif name == "set_sql_header":
            self.issue(Rule.HOOK, display, "puts SQL in front of the model's own")
        elif name not in HARMLESS_MACROS:
            reader = self.reader(unique_id)
            if reader is None:
                self.issue(Rule.READS, display, "is none of dbt's macros known to read nothing")
            else:
                self._read(unique_id, reader, arguments, body)

    def _read(
        self, unique_id: str, reader: Reader, arguments: Arguments | None, body: Text | None
    ) -> None:
        if arguments is not None and not arguments.loose:
            bound: dict[str, Value] = dict(zip(reader.parameters, arguments.given, strict=False))
            bound.update(arguments.named)
            whole = len(arguments.given) <= len(reader.parameters) and all(
                isinstance(one, HARMLESS) for one in bound.values()
            )
            if whole and reads_public(reader, bound, body, self.world):
                name = bound.get("name")
                if reader.kind is Kind.STATEMENT and isinstance(name, Text):
                    self.statements.add(name.literal or "")
                return
        self.issue(
            Rule.READS,
            self.world.display(unique_id).replace(".default__", "."),
            f"reads {reader.kind.value} that {_SHOWN[reader.kind]}",
        )


_SHOWN = {
    Kind.QUERY: "is not one plain SELECT over public relations",
    Kind.STATEMENT: "is not one plain SELECT over public relations",
    Kind.COLUMN: "is not a public column, both written out",
    Kind.EXPRESSION: "are not written out, or read a relation",
    Kind.NAMES: "are not written out",
}
