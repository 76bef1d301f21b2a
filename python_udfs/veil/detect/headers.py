"""A file without a header: its first row would be printed as the names of its columns."""

from __future__ import annotations

from collections.abc import Iterable

from veil.detect.shapes import parse_date
from veil.detect.verdict import detectors
from veil.errors import VeilError

_TELLING = {
    "email",
    "ssn",
    "credit_card",
    "iban",
    "phone",
    "ip_address",
    "mac_address",
    "national_id",
}


def refuse_values_as_names(table: str, columns: Iterable[str]) -> None:
    """Refuse a file whose column names are values.

    Args:
        table: the file's name, for the message.
        columns: names of its columns.

    Raises:
        VeilError: where one is a number, a date or a direct identifier; it is not named.
    """
    for name in columns:
        text = name.strip()
        if text.replace(".", "", 1).isdigit() or parse_date(text) or _is_identifier(text):
            raise VeilError(
                f"`{table}` has no header: its first line holds values in place of column names.",
                remedy="Write the names of the columns into its first line.",
            )


def _is_identifier(text: str) -> bool:
    return any(
        detector.name in _TELLING and detector.fits(text) and detector.accepts(text)
        for detector in detectors()
    )
