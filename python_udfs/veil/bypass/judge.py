"""What a node's templates reach, over any number of macros."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from veil.bypass.expressions import NOT_FOLLOWED, Call, Issue
from veil.bypass.jinja import TemplateError
from veil.bypass.known import LISTED, base_name
from veil.bypass.readers import READERS
from veil.bypass.rules import Rule
from veil.bypass.values import Relation
from veil.bypass.walk import Walk, Walked
from veil.bypass.world import World

DEEPEST = 6
"""Macros are followed with their arguments over so many calls; beyond that, without."""


class Judge:
    """Walks templates and macros, each macro once in general and once more for arguments that
    might make it harmless."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._own: dict[str, Walked] = {}
        self._bound: dict[Call, tuple[Issue, ...]] = {}
        self._verdicts: dict[str, tuple[Issue, ...]] = {}
        self._distrusted: dict[tuple[str, str], bool] = {}

    def template(self, text: str, *, this: str | None = None) -> tuple[Walked, tuple[Issue, ...]]:
        """What a node's own text does, and what is wrong with it and all that it calls."""
        own = Relation(frozenset({this})) if this is not None else None
        walk = Walk(self.world, this=own, distrusted=self.distrusts)
        try:
            walked = walk.template(text)
        except (TemplateError, RecursionError):
            return Walked(), (Issue(Rule.READS, "its Jinja", NOT_FOLLOWED),)
        return walked, self._judged(walked, ())

    def reached(self, unique_id: str) -> tuple[Issue, ...]:
        """What is wrong with a macro, whatever it is called with."""
        return self._called(Call(unique_id, loose=True), ())

    def distrusts(self, unique_id: str) -> bool:
        """Whether a listed reader does more than its name says: it names relations by itself, or
        another package redefines it. It is walked then, as any macro."""
        package, name = self.world.package_of(unique_id), base_name(self.world.name_of(unique_id))
        key = (package, name)
        if package in LISTED:
            return False
        if key not in self._distrusted:
            # While it is looked at, it counts as what it says.
            self._distrusted[key] = False
            self._distrusted[key] = self._is_false(package, name)
        return self._distrusted[key]

    def _is_false(self, package: str, name: str) -> bool:
        found = {*self.world.in_package(package, name), *self.world.dispatched(name)}
        waiting = [one for one in found if self.world.package_of(one) not in LISTED]
        if any((self.world.package_of(one), name) not in READERS for one in waiting):
            return True
        reached = set(waiting)
        for unique_id in waiting:
            walked = self.own(unique_id)
            if walked.reads_refs or any(_names_by_itself(one) for one in walked.issues):
                return True
            new = {call.macro for call in walked.calls} - reached
            reached |= new
            waiting.extend(one for one in new if self.world.package_of(one) not in LISTED)
        return False

    def own(self, unique_id: str) -> Walked:
        """A macro walked for any arguments."""
        if unique_id not in self._own:
            self._own[unique_id] = self._walk(unique_id, None)
        return self._own[unique_id]

    def _walk(self, unique_id: str, call: Call | None) -> Walked:
        macro = self.world.macros[unique_id]
        walk = Walk(self.world, distrusted=self.distrusts)
        try:
            walked = walk.macro(str(macro.get("macro_sql") or ""), call)
        except (TemplateError, RecursionError):
            return Walked(issues=(Issue(Rule.READS, "its Jinja", NOT_FOLLOWED),))
        more = self.unseen((macro.get("depends_on") or {}).get("macros") or (), walked)
        return replace(walked, calls=walked.calls + more)

    def unseen(self, ids: Iterable[str], walked: Walked) -> tuple[Call, ...]:
        """Macros that dbt says are called and the walk did not meet."""
        return tuple(
            Call(one, loose=True)
            for one in ids
            if one in self.world.macros and one not in walked.seen
        )

    def _judged(self, walked: Walked, stack: tuple[str, ...]) -> tuple[Issue, ...]:
        found = dict.fromkeys(walked.issues)
        for call in walked.calls:
            found.update(dict.fromkeys(self._called(call, stack)))
        return tuple(found)

    def _called(self, call: Call, stack: tuple[str, ...]) -> tuple[Issue, ...]:
        """What is wrong with one call: nothing in general, or nothing with these arguments."""
        if self.world.package_of(call.macro) in LISTED:
            walk = Walk(self.world)
            walk.call_listed(call.macro)
            return tuple(walk.issues)
        verdict = self._verdict(call.macro)
        if not verdict or call.loose or call.macro in stack or len(stack) >= DEEPEST:
            return verdict
        if call not in self._bound:
            # Where the way round ends early the answer is stricter, never milder.
            name = self.world.display(call.macro)
            issues = self._judged(self._walk(call.macro, call), (*stack, call.macro))
            self._bound[call] = tuple(replace(one, trail=(name, *one.trail)) for one in issues)
        return self._bound[call]

    def _verdict(self, start: str) -> tuple[Issue, ...]:
        """All issues that a macro reaches with any arguments, each by a shortest way."""
        if start in self._verdicts:
            return self._verdicts[start]
        found: dict[tuple[Rule, str], Issue] = {}
        trails: dict[str, tuple[str, ...]] = {start: (self.world.display(start),)}
        waiting = [start]
        for unique_id in waiting:
            trail = trails[unique_id]
            walked = self.own(unique_id)
            issues = list(walked.issues)
            for call in walked.calls:
                if self.world.package_of(call.macro) in LISTED:
                    issues.extend(self._called(call, ()))
                elif call.macro not in trails:
                    trails[call.macro] = (*trail, self.world.display(call.macro))
                    waiting.append(call.macro)
            for one in issues:
                found.setdefault((one.rule, one.what), replace(one, trail=trail))
        self._verdicts[start] = tuple(found.values())
        return self._verdicts[start]


def _names_by_itself(issue: Issue) -> bool:
    return issue.rule is Rule.PRIVATE or (issue.rule is Rule.BY_STRING and not issue.what)
