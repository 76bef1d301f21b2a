"""Texts and names as SQL writes them."""

from __future__ import annotations


def literal(text: str) -> str:
    """A text in single quotes; a quote in it is doubled."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name in double quotes; a quote in it is doubled."""
    return '"' + name.replace('"', '""') + '"'
