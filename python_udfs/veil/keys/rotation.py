"""The life of a key, step by step: each function changes a keyring in memory, `save` keeps it.

A rotation takes two steps, so that every process that reads the keyring knows a key before
anything is protected by it: `rotate` makes a pending key, `promote` puts it in the primary's
place. The old primary stays active for an overlap window, in which it still matches what it
protected; afterwards it is stale, until `retire` disables it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from veil.keys.entry import (
    MAC_PURPOSE,
    USABLE,
    KeyEntry,
    Status,
    check_transition,
    parse_time,
    time_text,
)
from veil.keys.errors import KeyringError
from veil.keys.keyring import Keyring
from veil.keys.making import DEFAULT_PURPOSES

LONGEST_WINDOW_DAYS = 3660
SOON = timedelta(days=14)
"""So long before its end a key is spoken of."""
_BEFORE_OR_AFTER = frozenset({Status.PENDING, Status.DESTROYED})


def rotate(ring: Keyring, purpose: str, domain: str) -> KeyEntry:
    """Make the pending key that `promote` will put in the primary's place.

    A domain that lives under the key of all domains is not given a key of its own by this.

    Raises:
        KeyringError: there is no such key to rotate, one is pending already, or it is the key of
            the file MAC, which has no overlap.
        ProviderError: the key-encryption key is not to be had.
    """
    if purpose == MAC_PURPOSE:
        raise KeyringError(
            "the key of the keyring's own MAC is not rotated in two steps.",
            remedy="`veil keys emergency` replaces it.",
        )
    own = [entry for entry in ring.entries if (entry.purpose, entry.domain) == (purpose, domain)]
    pending = next((entry for entry in own if entry.status is Status.PENDING), None)
    if pending is not None:
        raise KeyringError(
            f"key `{pending.kid}` of that purpose and domain is pending already.",
            remedy=f"`veil keys promote {pending.kid}`, or disable it first.",
        )
    if not own:
        raise KeyringError(
            "the keyring has no key of that purpose and domain to rotate.",
            remedy="See `veil keys list`; a key for all domains has the domain `*`.",
        )
    return ring.add(purpose, domain)


def promote(
    ring: Keyring, kid: str, *, window_days: int | None, at: datetime | None = None
) -> tuple[KeyEntry, KeyEntry | None]:
    """Make a pending key the primary, and the primary of its purpose and domain active.

    Args:
        ring: the keyring.
        kid: the pending key.
        window_days: how long the old primary still matches what it protected; its `not_after` is
            the end. None sets no end.
        at: the moment at which the window begins; now when not given.

    Returns:
        The new primary, and the old one where there was one.

    Raises:
        KeyringError: unknown kid, a key that is not pending or is outside its dates, or a window
            that is negative or longer than ten years.
    """
    new = ring.entry(kid)
    check_transition(new, Status.PRIMARY)
    now = time_text(at)
    if not new.in_period(now):
        raise KeyringError(
            f"key `{kid}` is outside its dates.", remedy="Wait for its `not_before`, or rotate."
        )
    end = None if window_days is None else time_text(_moment(at) + _window(window_days))
    pair = (new.purpose, new.domain)
    old = next(
        (
            entry
            for entry in ring.entries
            if (entry.purpose, entry.domain) == pair and entry.status is Status.PRIMARY
        ),
        None,
    )
    changed = {kid: replace(new, status=Status.PRIMARY)}
    if old is not None:
        # A beginning that lies behind the end would be no period.
        begin = old.not_before if end is None or (old.not_before or "") < end else None
        changed[old.kid] = replace(old, status=Status.ACTIVE, not_before=begin, not_after=end)
    ring.change(tuple(changed.get(entry.kid, entry) for entry in ring.entries))
    return changed[kid], None if old is None else changed[old.kid]


def retire(ring: Keyring, kid: str, *, at: datetime | None = None) -> KeyEntry:
    """Disable an active key once its window is over.

    Raises:
        KeyringError: unknown kid, a key that is not active, or a window that is still open.
    """
    entry = ring.entry(kid)
    if entry.status is not Status.ACTIVE:
        raise KeyringError(
            f"key `{kid}` is {entry.status}; only an active one retires.",
            remedy="`veil keys disable` stops a key of any status at once.",
        )
    if entry.not_after is not None and time_text(at) < entry.not_after:
        raise KeyringError(
            f"the overlap window of key `{kid}` is open until {entry.not_after}.",
            remedy="Wait for its end, or stop the key at once with `veil keys disable`.",
        )
    return ring.set_status(kid, Status.DISABLED)


def destroy(ring: Keyring, kid: str) -> KeyEntry:
    """Drop the material of a disabled key; its kid stays and is never given again.

    Older copies of the file still hold the material, under the key-encryption key of their time.

    Raises:
        KeyringError: unknown kid, or a key that is not disabled.
    """
    return ring.set_status(kid, Status.DESTROYED)


def reset(
    ring: Keyring, purposes: Collection[str], *, replace_pending: bool = False
) -> tuple[KeyEntry, ...]:
    """Make a pending key for every key of the named purposes: the first step after a leak.

    A purpose and domain whose primary was disabled already gets one too. Repeated, it makes none
    where one is pending.

    Args:
        ring: the keyring.
        purposes: names; the key of the file MAC is not among them.
        replace_pending: disable the keys that are pending now and make others, because the leak
            may have reached them. Not when an emergency is taken up again: a file may already be
            encrypted under one of them.

    Returns:
        The pending key of each purpose and domain.

    Raises:
        KeyringError: the file MAC among the purposes.
        ProviderError: the key-encryption key is not to be had.
    """
    if MAC_PURPOSE in purposes:
        raise KeyringError("the key of the keyring's own MAC is replaced, not rotated.")
    in_life = (entry for entry in ring.entries if entry.status not in _BEFORE_OR_AFTER)
    pairs = dict.fromkeys((e.purpose, e.domain) for e in in_life if e.purpose in purposes)
    changed: dict[str, KeyEntry] = {}
    made, kept = [], []
    for purpose, domain in pairs:
        pending = [
            entry
            for entry in ring.entries
            if (entry.purpose, entry.domain, entry.status) == (purpose, domain, Status.PENDING)
        ]
        if pending and not replace_pending:
            kept.append(pending[-1])
            continue
        changed |= {entry.kid: replace(entry, status=Status.DISABLED) for entry in pending}
        made.append(ring.make(purpose, domain, Status.PENDING))
    ring.change((*(changed.get(entry.kid, entry) for entry in ring.entries), *made))
    return (*kept, *made)


def add_missing(ring: Keyring) -> tuple[KeyEntry, ...]:
    """Make the keys that a keyring of an earlier version lacks, as primary ones.

    A key of a purpose that has another algorithm now is disabled in the same step. A zone never
    gets a key: a keyring without them belongs to a project that chose to leave its zones in clear.

    Returns:
        The new keys; none where nothing was missing.

    Raises:
        ProviderError: the key-encryption key is not to be had.
    """
    former = {entry.kid for entry in ring.entries if entry.is_former}
    known = {(entry.purpose, entry.domain) for entry in ring.entries if entry.kid not in former}
    missing = [pair for pair in DEFAULT_PURPOSES if pair[0] != "zone" and pair not in known]
    made = tuple(ring.make(purpose, domain, Status.PRIMARY) for purpose, domain in missing)
    kept = (
        replace(entry, status=Status.DISABLED)
        if entry.kid in former and entry.status in USABLE
        else entry
        for entry in ring.entries
    )
    ring.change((*kept, *made))
    return made


def stale_entries(ring: Keyring, at: datetime | None = None) -> tuple[KeyEntry, ...]:
    """Return the active keys whose overlap window is over: what they protected should be gone."""
    now = time_text(at)
    return tuple(
        entry
        for entry in ring.entries
        if entry.status is Status.ACTIVE and entry.not_after is not None and entry.not_after <= now
    )


def expiring(ring: Keyring, within: timedelta, at: datetime | None = None) -> tuple[KeyEntry, ...]:
    """Return the usable keys whose `not_after` comes within that time, or has come; soonest first.

    Of a pending or primary key it is the end of its use, of an active one that of its window.
    """
    limit = time_text(_moment(at) + within)
    found = (entry for entry in ring.entries if entry.status in USABLE)
    return tuple(
        sorted(
            (entry for entry in found if entry.not_after is not None and entry.not_after <= limit),
            key=lambda entry: entry.not_after or "",
        )
    )


def due(ring: Keyring, max_age: timedelta, at: datetime | None = None) -> tuple[KeyEntry, ...]:
    """Return the primary keys that were made longer ago than `max_age`, oldest first."""
    limit = time_text(_moment(at) - max_age)
    primaries = (entry for entry in ring.entries if entry.status is Status.PRIMARY)
    return tuple(
        sorted((e for e in primaries if e.created < limit), key=lambda entry: entry.created)
    )


def expiry_lines(ring: Keyring, at: datetime | None = None) -> list[str]:
    """What a person should know of keys that end soon, or whose window is over; a line each."""
    lines = []
    for entry in expiring(ring, SOON, at):
        left = days_left(entry, at)
        when = "is over" if left is not None and left < 0 else f"ends in {left} days"
        what = "the overlap window of key" if entry.status is Status.ACTIVE else "key"
        lines.append(
            f"{what} `{entry.kid}` ({entry.purpose}, {entry.domain}) {when}. See `veil keys list`."
        )
    return lines


def days_left(entry: KeyEntry, at: datetime | None = None) -> int | None:
    """Return the whole days until a usable key's `not_after`, negative once it is over.

    None where the key has no end, or may not be used anyway.
    """
    if entry.not_after is None or entry.status not in USABLE:
        return None
    return (parse_time(entry.not_after) - _moment(at)).days


def _window(days: int) -> timedelta:
    if not 0 <= days <= LONGEST_WINDOW_DAYS:
        raise KeyringError(
            f"an overlap window has from 0 to {LONGEST_WINDOW_DAYS} days.",
            remedy="Thirty days are usual for pseudonyms.",
        )
    return timedelta(days=days)


def _moment(at: datetime | None) -> datetime:
    return at or datetime.now(UTC)
