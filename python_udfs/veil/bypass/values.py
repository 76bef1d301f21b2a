"""What an expression in Jinja can stand for, as far as it can be known without running it.

The walk keeps apart what has power (a macro, `adapter`, `context`, a package) and what is data. A
power may be called or bound to a name; it may not hide in a list, an argument or a returned value.
So whatever the walk calls data is harmless to call, because no power can have got into it.
"""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import nodes


@dataclass(frozen=True, slots=True)
class Data:
    """A value without power. `place`: a part of the name of dbt's own target or of a relation."""

    place: bool = False


@dataclass(frozen=True, slots=True)
class Const:
    """A literal that is no text: a number, true, false, none."""

    value: object


@dataclass(frozen=True, slots=True)
class Relation:
    """What `ref()`, `source()` or `this` stands for: one of these unique ids."""

    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hole:
    """A piece of text that is not known; `flow`: what stands around it depends on a condition."""

    place: bool = False
    flow: bool = False


Piece = str | Relation | Hole


@dataclass(frozen=True, slots=True)
class Text:
    """A text in pieces."""

    pieces: tuple[Piece, ...]

    @property
    def literal(self) -> str | None:
        """The text, where all of it is known."""
        return (
            "".join(piece for piece in self.pieces if isinstance(piece, str))
            if all(isinstance(piece, str) for piece in self.pieces)
            else None
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A member of dbt's context, by its name: `adapter`, `context`, `ref`, `log`."""

    name: str


@dataclass(frozen=True, slots=True)
class Package:
    """The macros of a package."""

    name: str


@dataclass(frozen=True, slots=True)
class Macros:
    """A macro by name; several ids where dbt would choose between packages."""

    name: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a powerful object."""

    owner: str
    name: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that nothing is known of."""

    name: str


@dataclass(frozen=True)
class Inline:
    """A macro defined inside the template itself."""

    node: nodes.Macro


@dataclass(frozen=True, slots=True)
class Yields:
    """`caller` of a call block of which the text is known."""

    value: Text


@dataclass(frozen=True, slots=True)
class Either:
    """One of several, by a condition."""

    options: frozenset[Value]


Value = (
    Data
    | Const
    | Text
    | Relation
    | Known
    | Package
    | Macros
    | Method
    | Unknown
    | Inline
    | Yields
    | Either
)
HARMLESS = (Data, Const, Text, Relation)
DATA = Data()
PLACE = Data(place=True)


def options(value: Value) -> frozenset[Value]:
    """All that a value can stand for."""
    return value.options if isinstance(value, Either) else frozenset({value})


def joined(first: Value, second: Value) -> Value:
    """What either of two stands for."""
    if first == second:
        return first
    both: frozenset[Value] = options(first) | options(second)
    powers: frozenset[Value] = frozenset(one for one in both if not isinstance(one, HARMLESS))
    if not powers:
        return DATA
    return Either(powers if powers == both else powers | frozenset[Value]({DATA}))


def pieces(value: Value) -> tuple[Piece, ...]:
    """A value as it would stand in a text."""
    if isinstance(value, Text):
        return value.pieces
    if isinstance(value, Const):
        return (str(value.value),)
    if isinstance(value, Relation):
        return (value,)
    return (Hole(place=isinstance(value, Data) and value.place),)
