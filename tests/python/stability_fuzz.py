"""Random row queries: some stable, most not, nearly all of them SQL that DuckDB runs."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from stability_corpus import PERSONAL, PUBLIC

TEXT = {"person_key", "region", "name", "code", "k"}
KNOWN = {*TEXT, "age", "amount", "weight", "n"}
TABLES = {
    name: tuple(one for one in columns if one in KNOWN)
    for name, columns in (PERSONAL | PUBLIC).items()
}
ALIASES = ("person_key", "k", "code", "n", "amount")
VALUES = ("upper({0})", "coalesce({0}, 'x')", "left({0}, 1)", "'ann'", "{0}")
NUMBERS = ("{0} + 1", "{0} % 20", "coalesce({0}, 0)", "7", "{0}")
AGGREGATES = (
    "count(*)", "count(distinct {0})", "max({0})", "min({0})", "list({0} order by {0})",
    "count(*) filter (where {0} is not null)",
)  # fmt: skip
WINDOWS = ("count(*)", "max({0})", "min({0})", "count({0})")
JOINS = ("join", "left join", "semi join", "anti join", "right join", "full join")


class Source(NamedTuple):
    """A relation in FROM: its alias and the columns that it has."""

    alias: str
    columns: tuple[str, ...]


class Writer:
    """Writes one random row query.

    Args:
        random: where chance comes from.
        careful: how often, of ten times, what keeps people apart is preferred.
    """

    def __init__(self, random: Random, *, careful: int = 6) -> None:
        self.random = random
        self.careful = careful
        self.ctes: dict[str, tuple[str, ...]] = {}
        self.count = 0

    def row_query(self) -> str:
        """The whole of it."""
        parts = []
        for _ in range(self.random.randint(0, 2)):
            name = self.pick("a", "b", "psn_people")
            if name not in self.ctes:
                sql, columns = self.query(1)
                parts.append(f"{name} as ({sql})")
                self.ctes[name] = columns
        sql, _ = self.query(2, top=True)
        return f"with {', '.join(parts)} {sql}" if parts else sql

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def chance(self, tenths: int) -> bool:
        return self.random.randrange(10) < tenths

    # -- relations

    def source(self, depth: int, *, personal: bool | None = None) -> tuple[str, Source]:
        self.count += 1
        alias = f"t{self.count}"
        if self.ctes and self.chance(4):
            name = self.pick(*self.ctes)
            return f"{name} as {alias}", Source(alias, self.ctes[name])
        if depth and self.chance(4):
            sql, columns = self.query(depth - 1)
            return f"({sql}) as {alias}", Source(alias, columns)
        tables = PUBLIC if personal is False else PERSONAL if self.chance(7) else TABLES
        name = self.pick(*tables)
        columns = TABLES[name]
        if set(columns) == set(PERSONAL.get(name, columns)) and self.chance(2):
            renamed = list(columns)
            self.random.shuffle(renamed)
            return f"{name} as {alias}({', '.join(renamed)})", Source(alias, tuple(renamed))
        return f"{name} as {alias}", Source(alias, columns)

    def joined(self, depth: int) -> tuple[str, list[Source]]:
        sql, first = self.source(depth)
        sources = [first]
        for _ in range(self.pick("0", "0", "1", "1", "2").count("1") + self.chance(2)):
            other_sql, other = self.source(depth, personal=False if self.chance(3) else None)
            kind = self.pick("join", "left join", *JOINS) if self.chance(8) else self.pick(*JOINS)
            shared = sorted(set(other.columns) & {c for s in sources for c in s.columns})
            if shared and self.chance(3):
                on = f"using ({'person_key' if 'person_key' in shared else self.pick(*shared)})"
            else:
                on = f"on {self.condition(sources, other)}"
            if kind == "join" and self.chance(1):
                kind, on = self.pick("cross join", ",", "natural join"), ""
            sql = f"{sql} {kind} {other_sql} {on}"
            if kind not in {"semi join", "anti join"}:
                sources.append(other)
        return sql, sources

    def condition(self, sources: list[Source], other: Source) -> str:
        left = self.random.choice(sources)
        keyed = [c for c in ("person_key", "k") if c in left.columns]
        theirs = [c for c in ("person_key", "k") if c in other.columns]
        if keyed and theirs and self.chance(self.careful):
            one = f"{left.alias}.{self.pick(*keyed)} = {other.alias}.{self.pick(*theirs)}"
        else:
            is_text = self.chance(5)
            one = f"{self.column([left], text=is_text)} = {self.column([other], text=is_text)}"
        more = self.predicate([*sources, other])
        return self.pick(one, one, f"{one} and {more}", f"{one} or {more}", f"({one}) and {more}")

    def column(self, sources: list[Source], *, text: bool | None = None) -> str:
        found = [
            f"{source.alias}.{name}" if self.chance(8) else name
            for source in sources
            for name in source.columns
            if text is None or (name in TEXT) is text
        ]
        return self.pick(*found) if found else ("'a'" if text else "1")

    def predicate(self, sources: list[Source]) -> str:
        number, text = self.column(sources, text=False), self.column(sources, text=True)
        return self.pick(
            f"{number} > 15", f"{text} <> 'a'", f"{text} is not null", f"{number} % 2 = 0",
            f"{text} in (select code from CODES)", f"{number} >= (select max(weight) from CODES)",
            f"{text} in (select {self.pick('code', 'person_key')} from EVENTS)"
            if self.chance(1) else f"{number} between 1 and 40",
            f"exists (select 1 from CODES as c where c.weight < {number})",
        )  # fmt: skip

    # -- queries

    def query(self, depth: int, *, top: bool = False) -> tuple[str, tuple[str, ...]]:
        sql, columns = self.select(depth, top=top)
        if self.chance(2):
            other, _ = self.select(depth, top=top, width=len(columns))
            kind = self.pick("union all", "union", "intersect", "except", "union by name")
            sql = f"({sql}) {kind} ({other})" if self.chance(7) else f"{sql} {kind} {other}"
        return sql, columns

    def select(
        self, depth: int, *, top: bool = False, width: int = 0
    ) -> tuple[str, tuple[str, ...]]:
        start, sources = self.joined(depth)
        grouped = self.chance(3)
        items: list[tuple[str, str]] = []
        unit = [s for s in sources if "person_key" in s.columns]
        if unit and (top or self.chance(self.careful + 2)):
            items.append((f"{self.random.choice(unit).alias}.person_key", "person_key"))
        keys = [sql for sql, _ in items]
        for _ in range(max(width - len(items), 0) or self.random.randint(1, 2)):
            items.append(self.item(sources, grouped=grouped, keys=keys))
        if not width and not self.chance(self.careful + 2):
            self.random.shuffle(items)
        names = tuple(name for _, name in items)
        shown = ", ".join(f"{sql} as {name}" for sql, name in items)
        if not grouped and not width and self.chance(1):
            names, shown = tuple(c for s in sources for c in s.columns), "*"
        where = f" where {self.predicate(sources)}" if self.chance(3) else ""
        sql = f"{shown} from {start}{where}"
        if grouped:
            return f"select {sql} {self.grouping(keys, items)}", names
        distinct = ""
        if self.chance(2):
            on = self.pick(*keys, *names) if self.chance(4) else ""
            distinct = f"distinct on ({on}) " if on else "distinct "
            sql += " order by all" if on else ""
        elif self.chance(1):
            sql += f" qualify {self.window(sources)} > 1"
        return f"select {distinct}{sql}", names

    def grouping(self, keys: list[str], items: list[tuple[str, str]]) -> str:
        if self.chance(2):
            return "group by all"
        if self.chance(2):
            return f"group by {self.random.randint(1, len(items))}"
        if self.chance(2):
            return f"group by {items[-1][1]}"
        return f"group by {', '.join(keys)}" if keys else "group by all"

    def item(self, sources: list[Source], *, grouped: bool, keys: list[str]) -> tuple[str, str]:
        name = self.pick(*ALIASES)
        is_text = name in TEXT if self.chance(8) else self.chance(5)
        column = self.column(sources, text=is_text)
        if grouped:
            if self.chance(2):
                keys.append(column)
                return column, name
            return self.pick(*AGGREGATES).format(column), name
        if self.chance(2):
            return self.window(sources), name
        if self.chance(1):
            return f"(select max({'code' if is_text else 'weight'}) from CODES)", name
        if self.chance(5):
            return column, name
        return self.pick(*(VALUES if is_text else NUMBERS)).format(column), name

    def window(self, sources: list[Source]) -> str:
        call = self.pick(*WINDOWS).format(self.column(sources))
        unit = [s for s in sources if "person_key" in s.columns]
        if unit and self.chance(self.careful + 2):
            by = f"{self.random.choice(unit).alias}.person_key"
        else:
            by = self.pick(self.column(sources), *ALIASES)
        return f"{call} over (partition by {by})"
