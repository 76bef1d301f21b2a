"""The spelling of purposes, domains and uses."""

from __future__ import annotations

import re

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def is_name(value: object) -> bool:
    """Say whether `value` is a lower-case ASCII name of at most 63 characters."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_domain(value: object) -> bool:
    """Say whether `value` is a name, or `*` for all domains."""
    return value == "*" or is_name(value)
