"""Whether the six limb leads belong together, as Einthoven and Goldberger have it."""

from __future__ import annotations

import numpy as np

EINTHOVEN_TOLERANCE = 0.3
EINTHOVEN_MIN_MV = 0.05


def limb_leads_at_odds(signal: np.ndarray) -> tuple[str, ...]:
    """Notice limb leads in another order, with another gain or upside down.

    Einthoven and Goldberger derive four limb leads from the other two. One of 6,000 PTB-XL ECGs
    is beyond the tolerance; its 99.9th percentile is a tenth of it.
    """
    i, ii, iii, avr, avl, avf = signal[:6].astype(np.float64)
    derived = (
        ("II", ii, "I + III", i + iii),
        ("aVR", avr, "\N{MINUS SIGN}(I + II) / 2", -(i + ii) / 2),
        ("aVL", avl, "I \N{MINUS SIGN} II / 2", i - ii / 2),
        ("aVF", avf, "II \N{MINUS SIGN} I / 2", ii - i / 2),
    )
    wrong = [f"{lead} is not {rule}" for lead, a, rule, b in derived if _far_apart(a, b)]
    if not wrong:
        return ()
    return (
        f"The limb leads contradict each other ({', '.join(wrong)}): check the order, the sign and "
        "the gain of the leads in the file.",
    )


def _far_apart(a: np.ndarray, b: np.ndarray) -> bool:
    amplitude = max(np.std(a), np.std(b))
    return bool(np.std(a - b) > max(EINTHOVEN_TOLERANCE * amplitude, EINTHOVEN_MIN_MV))
