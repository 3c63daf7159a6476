"""Whether an explanation is true: nine measures of what a bundle shows, each against its claim.

All measures look at what is shown (a window, a similarity, a contribution) and at what the network
computes, and lean on no promise of its construction, so that they read any rule of similarity.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from protoecg.bundle import Bundle
from training.measure.faithfulness.decision import compactness, completeness
from training.measure.faithfulness.disturbance import stability
from training.measure.faithfulness.fold import Fold, Results, read_fold
from training.measure.faithfulness.locating import localisation
from training.measure.faithfulness.prototypes import coverage, exactness, purity
from training.measure.faithfulness.replacement import necessity, sufficiency
from training.measure.faithfulness.report import table

__all__ = ["MEASURES", "definition", "faithfulness", "table"]

MEASURES: dict[str, Callable[[Fold], Results]] = {
    measure.__name__: measure
    for measure in (
        sufficiency,
        necessity,
        completeness,
        compactness,
        exactness,
        coverage,
        purity,
        stability,
        localisation,
    )
}


def faithfulness(bundle: Bundle, root: Path, fold: int, fast: Path) -> dict[str, Any]:
    """Measure how far the explanations of a bundle can be believed.

    Parameters
    ----------
    root : folder of a data set in PTB-XL's layout
    fast : folder with the data set's `records500`, as far as there are any

    Returns
    -------
    bundle, revision, fold, n, and measures: of each its definition, its source, and the
    numbers of each branch, as plain JSON types
    """
    seen = read_fold(bundle, root, fold, fast)
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "n": len(seen.x),
        "measures": {
            name: {**definition(measure), "branches": _rounded(measure(seen))}
            for name, measure in tqdm(MEASURES.items(), desc="measures")
        },
    }


def definition(measure: Callable) -> dict[str, str]:
    """Return what a measure's docstring says it is, and after whom."""
    text, _, rest = (inspect.getdoc(measure) or "").partition("\n\nNotes\n-----\n")
    return {"definition": " ".join(text.split()), "source": " ".join(rest.split())}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return value
