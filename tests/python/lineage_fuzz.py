"""Random models over the corpora's relations: some safe, most not, all of them valid SQL."""

from __future__ import annotations

import random
from dataclasses import dataclass

import lineage_corpus as corpus

KINDS = {"varchar": "text", "integer": "number", "bigint": "number", "double": "number"}
BASES = ("psn_people", "psn_orders", "psn_visits", "psn_jobs")
CONDITIONS = {
    "text": ("{0} <> 'm'", "{0} in ('f', 'north', 'shop')", "{0} like '%e%'", "{0} is not null"),
    "number": ("{0} > 20", "{0} = 97", "{0} between 1 and 60", "{0} % 7 = 0"),
    "flag": ("{0}", "not {0}", "{0} is true"),
    "key": ("{0} is not null",),
}
VALUES = {
    "text": ("upper({0})", "left({0}, 1)", "{0} || '!'", "coalesce({0}, '-')", "{0}"),
    "number": (
        "{0}",
        "{0} + 1",
        "round({0} / 10)",
        "{0} - {0} % 10",
        "abs({0})",
        "least({0}, 500)",
    ),
    "flag": ("{0}", "not {0}"),
    "key": ("{0}",),
}
AGGREGATES = (
    "count(distinct {key})", "count(*)", "sum({number})", "avg({number})", "median({number})",
    "stddev({number})", "max({number})", "min({text})", "quantile_cont({number}, 0.5)",
    "quantile_cont({number}, 0.99)", "list({number})", "any_value({text})", "mode({text})",
    "sum({number}) filter (where {condition})", "count(*) filter (where {condition})",
    "sum(case when {condition} then {number} end)", "avg({number} + {number})",
    "sum(distinct {number})", "arg_max({number}, {number})", "max({key})",
    "string_agg({text}, ',')", "corr({number}, {number})",
)  # fmt: skip
GUARDS = {
    "count(distinct {key}) >= 11": 8,
    "count(distinct {key}) > 10": 1,
    "count(distinct {key}) filter (where {condition}) >= 11": 2,
    "count(distinct {key}) >= 4": 1,
    "count(*) >= 11": 1,
    "count({key}) >= 11": 1,
    "count(distinct {key} || {text}) >= 11": 1,
}


@dataclass(frozen=True)
class Col:
    name: str
    kind: str


class Writer:
    """Writes one random model; the same seed, the same model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ctes: list[str] = []

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def base(self) -> tuple[str, list[Col]]:
        name = self.pick(*BASES)
        columns = []
        for column, spec in corpus.schema()["relations"][name]["columns"].items():
            kind = "key" if spec["class"] == "pseudonym" else KINDS.get(spec["type"], "")
            kind = "flag" if spec["type"] == "boolean" else kind
            if kind:
                columns.append(Col(column, kind))
        return corpus.relation_name(name), columns

    def one(self, columns: list[Col], kind: str, prefix: str = "") -> str:
        found = [c.name for c in columns if c.kind == kind]
        if kind == "key" and "person_key" in found and self.random.random() < 0.8:
            return prefix + "person_key"
        fallback = {"text": "'x'", "number": "1", "flag": "true", "key": "'k'"}[kind]
        return prefix + self.pick(*found) if found else fallback

    def filled(self, pattern: str, columns: list[Col], prefix: str = "") -> str:
        while "{condition}" in pattern:
            pattern = pattern.replace("{condition}", self.condition(columns, prefix), 1)
        for kind in ("key", "number", "text", "flag"):
            while "{" + kind + "}" in pattern:
                pattern = pattern.replace("{" + kind + "}", self.one(columns, kind, prefix), 1)
        return pattern

    def condition(self, columns: list[Col], prefix: str = "") -> str:
        kind = self.pick("text", "number", "number", "flag", "key")
        return self.pick(*CONDITIONS[kind]).format(self.one(columns, kind, prefix))

    def value(self, columns: list[Col], kind: str, prefix: str = "") -> str:
        return self.pick(*VALUES[kind]).format(self.one(columns, kind, prefix))

    def add(self, sql: str) -> str:
        name = f"step_{len(self.ctes)}"
        self.ctes.append(f"{name} as ({sql})")
        return name

    def relation(self, depth: int) -> tuple[str, list[Col]]:
        """A relation of people, some steps deep."""
        if depth == 0:
            return self.base()
        step = self.pick("project", "filter", "join", "join", "group", "window", "union", "flag")
        source, columns = self.relation(depth - 1)
        where = f" where {self.condition(columns)}" if self.random.random() < 0.3 else ""
        if step == "project":
            kept = self.random.sample(columns, k=min(len(columns), 6))
            if Col("person_key", "key") in columns and Col("person_key", "key") not in kept:
                kept.append(Col("person_key", "key"))
            out = [f"{self.pick(*VALUES[c.kind]).format(c.name)} as {c.name}" for c in kept]
            return self.add(f"select {', '.join(out)} from {source}{where}"), kept
        if step == "filter":
            return self.add(f"select * from {source} where {self.condition(columns)}"), columns
        if step == "flag":
            made = Col(f"made_{len(self.ctes)}", "number")
            value = f"case when {self.condition(columns)} then {self.one(columns, 'number')} end"
            sql = f"select *, {value} as {made.name} from {source}{where}"
            return self.add(sql), [*columns, made]
        if step == "window":
            made = Col(f"made_{len(self.ctes)}", "number")
            function = self.pick("max({0})", "avg({0})", "lag({0})", "sum({0})", "count({0})")
            by = self.one(columns, self.pick("key", "key", "text"))
            order = f" order by {self.one(columns, 'number')}" if "lag" in function else ""
            value = (
                f"{function.format(self.one(columns, 'number'))} over (partition by {by}{order})"
            )
            return self.add(f"select *, {value} as {made.name} from {source}{where}"), [
                *columns,
                made,
            ]
        if step == "group":
            return self._group(source, columns, where)
        other, more = self.relation(depth - 1 if self.random.random() < 0.3 else 0)
        if step == "union":
            shared = [c for c in columns if c in more]
            if not shared:
                return source, columns
            names = ", ".join(c.name for c in shared)
            pads = ", ".join(
                c.name if c.kind == "key" or self.random.random() < 0.8 else "null" for c in shared
            )
            sql = f"select {names} from {source}{where} union all select {pads} from {other}"
            return self.add(sql), shared
        return self._join(source, columns, other, more)

    def _group(self, source: str, columns: list[Col], where: str) -> tuple[str, list[Col]]:
        keys = [Col("person_key", "key")] if self.random.random() < 0.6 else []
        keys = [key for key in keys if key in columns]
        keys += self.random.sample(columns, k=min(len(columns), self.random.randint(0, 2)))
        keys = list(dict.fromkeys(keys))
        made = [Col(f"made_{len(self.ctes)}_{i}", "number") for i in range(2)]
        out = [c.name for c in keys]
        for one in made:
            pattern = self.pick(
                "sum({number})", "max({number})", "count(*)", "count(distinct {key})"
            )
            out.append(f"{self.filled(pattern, columns)} as {one.name}")
        group = f" group by {', '.join(c.name for c in keys)}" if keys else ""
        return self.add(f"select {', '.join(out)} from {source}{where}{group}"), [*keys, *made]

    def _join(
        self, source: str, columns: list[Col], other: str, more: list[Col]
    ) -> tuple[str, list[Col]]:
        taken = {c.name for c in columns}
        extra = [c for c in more if c.name not in taken][:4]
        shared = [c for c in columns if c in more]
        keyed = [c for c in shared if c.name == "person_key"]
        kind = self.pick("join", "join", "left join", "cross join", "semi join", "anti join")
        on = ""
        if kind != "cross join":
            if not shared:
                return source, columns
            by = keyed[0] if keyed and self.random.random() < 0.8 else self.random.choice(shared)
            on = f" on a.{by.name} = b.{by.name}"
            if self.random.random() < 0.2:
                on += f" and {self.condition(more, 'b.')}"
        if kind in {"semi join", "anti join"}:
            extra = []
        out = ["a.*", *(f"b.{c.name}" for c in extra)]
        sql = f"select {', '.join(out)} from {source} as a {kind} {other} as b{on}"
        return self.add(sql), [*columns, *extra]

    def mart(self) -> str:
        """A mart: a few steps, then an aggregation behind some guard or none."""
        source, columns = self.relation(self.random.randint(0, 3))
        guard = self.random.choices(list(GUARDS), list(GUARDS.values()))[0]
        grain = [
            f"{self.value(columns, kind)} as grain_{index}"
            for index, kind in enumerate(self.random.choices(["text", "flag", "number"], k=2))
        ][: self.random.randint(0, 2)]
        measures = [
            self.filled(self.pick(*AGGREGATES), columns) for _ in range(self.random.randint(1, 3))
        ]
        condition = self.filled(guard, columns)
        shape = self.pick("case", "case", "case", "having", "outside", "bare")
        if shape == "case":
            measures = [f"case when {condition} then {one} end" for one in measures]
        shown = [f"{one} as m_{index}" for index, one in enumerate(measures)]
        if shape == "outside":
            shown.append(f"{condition.rsplit(' >', 1)[0]} as n")
        where = f" where {self.condition(columns)}" if self.random.random() < 0.3 else ""
        last = f"select {', '.join([*grain, *shown])} from {source}{where}"
        last += " group by all" if grain else ""
        if shape == "having":
            last += f" having {condition}"
        if shape == "outside":
            last = f"select * from {self.add(last)} where n >= {self.pick('4', '11', '11')}"
        return (f"with {', '.join(self.ctes)} " if self.ctes else "") + last

    def rows(self) -> str:
        """A model of rows: what an intermediate model may be."""
        source, columns = self.relation(self.random.randint(1, 3))
        out = [
            f"{self.value(columns, kind)} as c_{index}"
            for index, kind in enumerate(
                self.random.choices(["text", "number", "key", "flag"], k=3)
            )
        ]
        sql = f"select {', '.join(out)} from {source}"
        return (f"with {', '.join(self.ctes)} " if self.ctes else "") + sql
