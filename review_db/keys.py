"""Keys that people are given once and type: drawn at random, read as generously as they may be."""

from __future__ import annotations

import secrets

# No letter or digit that could be taken for another one.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_PARTS, _PART = 4, 4


def draw_key() -> str:
    """Draw a key that nobody guesses, such as "ABCD-EFGH-JKMN-PQRS" (78 bits)."""
    drawn = ["".join(secrets.choice(_ALPHABET) for _ in range(_PART)) for _ in range(_PARTS)]
    return "-".join(drawn)


def spelled(key: str) -> str:
    """Return a key in the one spelling that is digested: letters may be small, dashes left out."""
    return "".join(c for c in key.upper() if c in _ALPHABET)
