"""Numbers as the JSON of a measurement has them: with 95 % intervals, null where undefined."""

from __future__ import annotations

from typing import Any

import numpy as np

from training import metrics


def share(name: str, hits: int, of: int) -> dict[str, Any]:
    """Return a share under its name, with Wilson's interval."""
    return _metric(name, hits / of if of else np.nan, metrics.wilson(hits, of))


def sure(name: str, values: np.ndarray) -> dict[str, Any]:
    """Return a metric under its name, with its interval: (1 + r,) values, then of r resamples."""
    return _metric(name, values[0], metrics.interval(values))


def ranked(name: str, values: np.ndarray, few: np.bool) -> dict[str, Any]:
    """Return a metric of ranking as `sure` does, without an interval where positives are few."""
    # Resamples of one or two positives vary by the negatives alone: they would feign certainty.
    return _metric(name, values[0], (np.nan, np.nan)) if few else sure(name, values)


def number(value: float) -> float | None:
    """Return a number, None for nan."""
    return None if np.isnan(value) else float(value)


def _metric(name: str, value: float, interval: tuple[float, float]) -> dict[str, Any]:
    return {name: number(value), f"{name}_interval": [number(end) for end in interval]}
