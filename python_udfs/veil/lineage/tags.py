"""Tags: whose rows a value came from, and which of them a pseudonym says are one person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


class Tags:
    """Gives out tags, and remembers which are linked.

    Two kinds of link. *Same*: joined over a pseudonym of a person, so both rows speak of that
    person. *Kin*: joined over any pseudonym (an employer's, a household's), which is enough for
    numbers and not for values. The smaller tag stands for its group, so that an outer scan wins
    over an inner one.
    """

    def __init__(self) -> None:
        self._next = 1
        self._same: dict[int, int] = {}
        self._kin: dict[int, int] = {}

    def fresh(self) -> int:
        self._next += 1
        return self._next

    @property
    def mark(self) -> int:
        """Every tag given out from now on is greater."""
        return self._next

    def same(self, tag: int) -> int:
        return _root(self._same, tag)

    def kin(self, tag: int) -> int:
        return _root(self._kin, tag)

    def link(self, one: int, other: int, *, person: bool) -> None:
        """Record that two rows belong together."""
        _union(self._kin, one, other)
        if person:
            _union(self._same, one, other)

    def scan(self, mark: int) -> Callable[[int], int]:
        """Fresh tags for one more scan of a derived relation: the same old tag, the same new one.

        Tags up to `mark` belong to what stands around the relation and stay. Old tags that are kin
        become kin again.
        """
        renamed: dict[int, int] = {}
        kin: dict[int, int] = {}

        def tag(old: int) -> int:
            old = self.same(old)
            if old <= mark:
                return old
            if old not in renamed:
                renamed[old] = new = self.fresh()
                first = kin.setdefault(
                    self.kin(old), new if self.kin(old) > mark else self.kin(old)
                )
                self.link(first, new, person=False)
            return renamed[old]

        return tag

    def enter(self, links: Mapping[int, int]) -> Callable[[int], int]:
        """Fresh tags for one scan of a given relation, whose `links` say which are kin."""
        renamed: dict[int, int] = {}
        kin: dict[int, int] = {}

        def tag(old: int) -> int:
            if old and old not in renamed:
                renamed[old] = new = self.fresh()
                if old in links:
                    self.link(kin.setdefault(links[old], new), new, person=False)
            return renamed.get(old, 0)

        return tag

    def leave(self, tags: Iterable[int]) -> tuple[dict[int, int], dict[int, int]]:
        """Numbers from 1 for the tags of a finished relation, and the kin group of each number."""
        numbers: dict[int, int] = {0: 0}
        links: dict[int, int] = {}
        groups: dict[int, int] = {}
        for old in sorted(tags):
            root = self.same(old)
            number = numbers.setdefault(root, len(set(numbers.values())))
            numbers[old] = number
            links[number] = groups.setdefault(self.kin(root), len(groups) + 1)
        return numbers, links


def _root(parents: dict[int, int], tag: int) -> int:
    while tag in parents:
        tag = parents[tag]
    return tag


def _union(parents: dict[int, int], one: int, other: int) -> None:
    one, other = _root(parents, one), _root(parents, other)
    if one != other:
        parents[max(one, other)] = min(one, other)
