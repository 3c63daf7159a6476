"""Numbers and windows in words, the same on pages, in figures, in print and in tables."""

from __future__ import annotations

from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"
WHOLE_STRIP = "whole strip"
# A window may be shorter than ten seconds by a cell's rounding.
WHOLE_STRIP_S = 9.9
# Of a percentage, after the point.
MOST_DIGITS = 6


def true_minus(text: str) -> str:
    """Return a printed number with a minus as long as a plus, which screen readers say."""
    return text.replace("-", MINUS)


def signed(amount: float, digits: int = 2) -> str:
    """Print a number with its sign: "+0.50"."""
    return true_minus(f"{amount:+z.{digits}f}")


def share(value: float, digits: int = 0) -> str:
    """Print a share as a percentage: "61 %"."""
    return true_minus(f"{100 * value:z.{digits}f} %")


def probability(value: float, digits: int = 0) -> str:
    """Print a probability as a percentage, as a rule a whole one, that never claims certainty."""
    least = 0.01 / 10**digits
    if value < least:
        return f"<{share(least, digits)}"
    if value > 1 - least:
        return f">{share(1 - least, digits)}"
    return share(value, digits)


def distinct_probabilities(one: float, other: float, digits: int = 0) -> tuple[str, str]:
    """Print two probabilities with as many more digits as it takes to tell them apart."""
    for enough in range(digits, MOST_DIGITS + 1):
        printed = probability(one, enough), probability(other, enough)
        if printed[0] != printed[1]:
            break
    return printed


def between(ends: Sequence[float], form: str = ".2f") -> str:
    """Print the two ends of an interval: "0.92 to 0.93"."""
    low, high = ends
    return f"{low:{form}} to {high:{form}}"


def is_whole_strip(window_s: tuple[float, float]) -> bool:
    """Whether a window, start and end in seconds, is all of the ten seconds."""
    return window_s[1] - window_s[0] >= WHOLE_STRIP_S


def window(window_s: tuple[float, float], *, to: str = " to ") -> str:
    """Put a window in words: "1.20 to 2.15 s", or that it is the whole strip."""
    if is_whole_strip(window_s):
        return WHOLE_STRIP
    return f"{window_s[0]:.2f}{to}{window_s[1]:.2f} s"
