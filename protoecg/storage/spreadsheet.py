"""Text as a cell of a spreadsheet that must not run as a formula."""

from __future__ import annotations

_FORMULA_STARTS = tuple("=+-@\t\r\n'＝＋－＠")


def harmless(text: str) -> str:
    """Put an apostrophe in front of text that begins like a formula, or with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def plain(text: str) -> str:
    """Return the text that `harmless` was given."""
    return text.removeprefix("'")
