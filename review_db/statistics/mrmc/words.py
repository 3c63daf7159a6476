"""A comparison as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from review_db.statistics.mrmc import ANALYSES, Comparison
from review_db.statistics.mrmc.hillis import Analysis, Difference
from review_db.statistics.mrmc.measures import MEASURES


def in_words(found: Comparison) -> Iterator[str]:
    """Say what was compared, of whom, and what came out for each analysis."""
    cut = "" if found.threshold is None else f" at {found.threshold:g} or above"
    yield f"{MEASURES[found.measure].words}{cut}: {found.readers} readers, {found.cases} cases"
    for treatment, mean in zip(found.treatments, found.means, strict=True):
        yield f"  {treatment}: {mean:.4f}"
    yield from _left_out(found)
    for name, whom in ANALYSES.items():
        yield f"For {whom}:"
        yield from _analysis(getattr(found, name), len(found.treatments))


def _left_out(found: Comparison) -> Iterator[str]:
    if not found.paired:
        yield "No reader rated a case under every treatment: each treatment has its own cases."
    if found.left_out:
        yield f"Ratings that do not count, as not every treatment has them: {found.left_out}."
    if found.readers_left_out:
        yield f"Readers without ratings under every treatment: {', '.join(found.readers_left_out)}."
    if not found.complete:
        yield "Readers rated different cases; covariances are means over their pairs."


def _analysis(analysis: Analysis, treatments: int) -> Iterator[str]:
    if analysis.why:
        yield f"  {analysis.why}"
        return
    if treatments > 2:
        yield (
            f"  any difference: statistic {analysis.statistic:.2f}, df {analysis.df:.2f}, "
            f"p {analysis.p:.4f}"
        )
    yield from map(_difference, analysis.pairs)


def _difference(pair: Difference) -> str:
    first, second = pair.treatments
    df = "normal" if np.isinf(pair.df) else f"df {pair.df:.2f}"
    return (
        f"  {first} less {second}: {pair.difference:.4f} (95 %: {pair.ci[0]:.4f} to "
        f"{pair.ci[1]:.4f}), se {pair.se:.4f}, {df}, p {pair.p:.4f}"
    )
