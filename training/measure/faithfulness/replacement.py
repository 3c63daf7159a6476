"""What happens to a match when its window, or everything else, is replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from protoecg.network.protoecgnet import Branch
from protoecg.signals import MODEL_SAMPLES
from training.measure.faithfulness.fold import (
    WHOLE_STRIP,
    Fold,
    Numbers,
    Results,
    TopMatch,
    Window,
    called,
    compare,
    run_network,
    shown_window,
    shows_whole_strip,
)

MATCHES = 200
TOLERANCE = 1e-4
# Of a similarity near zero no relative change can be told from rounding.
SMALLEST = 0.01


def sufficiency(fold: Fold) -> Results:
    """Whether the similarity of a match rests on the window shown and on nothing else.

    For the strongest match of a finding, all of the model's input outside the window shown is
    replaced: by zeros, and by the ECG of the fold least similar to the prototype. The match holds
    if the model reports the same similarity as before (relative 1e-4). Where it reports a higher
    one in another window, nothing is learnt about the window shown: such a match is counted as
    outdone and left out of the share that holds. Where a match is shown as the whole strip there
    is no outside and nothing to hold.

    Notes
    -----
    Sufficiency: DeYoung et al., ACL 2020 (ERASER). Prototype activation that rests on what is not
    shown: Sacha et al., AAAI 2024 (spatial misalignment). The least similar ECG is taken since no
    window of it is likely to outdo the one shown, so that the model's own report can be read
    whatever its rule of similarity.
    """
    return {name: _sufficiency(fold, name) for name in fold.bundle.network.branches}


def _sufficiency(fold: Fold, name: str) -> Numbers:
    branch = fold.bundle.network.branches[name]
    if shows_whole_strip(branch):
        return dict(WHOLE_STRIP)
    matches = fold.top_matches(name, MATCHES)
    if not matches:
        return {"n": 0}
    inside = _masks(_windows(fold, branch, matches))
    x = fold.x[[m.row for m in matches]]
    least = [_least_similar(fold, m) for m in matches]
    fillings = {"zeros": torch.zeros_like(x), "another_ecg": fold.x[least]}
    return {
        "n": len(matches),
        **{
            kind: _held(fold, name, matches, torch.where(inside, x, filling))
            for kind, filling in fillings.items()
        },
    }


def _held(fold: Fold, name: str, matches: Sequence[TopMatch], x: Tensor) -> Numbers:
    first = fold.bundle.network.columns(name).start
    after, cells = compare(
        fold.bundle.network.branches[name], x, [m.prototype - first for m in matches]
    )
    before, cells_before = _reported(fold, matches)
    change = (after - before) / before.abs().clamp(min=SMALLEST)
    outdone = (change > TOLERANCE) & (cells != cells_before)
    change = change[~outdone].abs()
    if not len(change):
        return {"holds": None, "outdone": 1.0, "largest_change": None, "median_change": None}
    return {
        "holds": float((change <= TOLERANCE).float().mean()),
        "outdone": float(outdone.float().mean()),
        "largest_change": float(change.max()),
        "median_change": float(change.median()),
    }


def necessity(fold: Fold) -> Results:
    """How far similarity and logit fall when the window shown is replaced.

    For the strongest match of a finding, the model's input inside the window shown is replaced, by
    zeros and by the same seconds of another ECG without that statement: the mean fall of the
    model's similarity to the prototype and of the finding's logit, and how often the finding is
    no longer made. Another beat may then take the window's place, so the fall is small where beats
    are alike. The control replaces a window of that length elsewhere in the ECG.

    Notes
    -----
    Comprehensiveness: DeYoung et al., ACL 2020 (ERASER). Deletion check: Nauta et al., ACM
    Computing Surveys 55 (2023) 295, correctness.
    """
    return {name: _necessity(fold, name) for name in fold.bundle.network.branches}


def _necessity(fold: Fold, name: str) -> Numbers:
    branch = fold.bundle.network.branches[name]
    matches = fold.top_matches(name, MATCHES)
    if not matches:
        return {"n": 0}
    rng = np.random.default_rng(1)
    windows = _windows(fold, branch, matches)
    x = fold.x[[m.row for m in matches]]
    others = [_without(fold, m, rng) for m in matches]
    fillings = {"zeros": torch.zeros_like(x), "another_ecg": fold.x[others]}
    areas = {"": windows}
    # A third of the strip can always be had elsewhere.
    if all(3 * (end - start) <= MODEL_SAMPLES for start, end in windows):
        areas["control_"] = [elsewhere(window, rng) for window in windows]
    return {
        **(WHOLE_STRIP if shows_whole_strip(branch) else {}),
        "n": len(matches),
        **{
            f"{area}{kind}": _fall(fold, matches, torch.where(_masks(at), filling, x))
            for area, at in areas.items()
            for kind, filling in fillings.items()
        },
    }


def _fall(fold: Fold, matches: Sequence[TopMatch], x: Tensor) -> Numbers:
    # What is measured is taken to stay as it was: it is the match that is put to the test.
    after = run_network(fold.bundle, x, fold.offset[[m.row for m in matches]])
    rows = torch.arange(len(matches))
    statements = [m.statement for m in matches]
    similarity = after.similarities[rows, [m.prototype for m in matches]]
    logits = fold.seen.logits[[m.row for m in matches], statements]
    return {
        "similarity_fall": float((_reported(fold, matches)[0] - similarity).mean()),
        "logit_fall": float((logits - after.logits[rows, statements]).mean()),
        "finding_lost": float(1 - called(fold.bundle, after)[rows, statements].mean()),
    }


def _reported(fold: Fold, matches: Sequence[TopMatch]) -> tuple[Tensor, Tensor]:
    """Similarity and cell of each match, as the model reported them."""
    rows, columns = [m.row for m in matches], [m.prototype for m in matches]
    return fold.seen.similarities[rows, columns], fold.seen.cells[rows, columns]


def _windows(fold: Fold, branch: Branch, matches: Sequence[TopMatch]) -> list[Window]:
    return [shown_window(branch, int(cell)) for cell in _reported(fold, matches)[1]]


def _masks(windows: Iterable[Window]) -> Tensor:
    """Whether each sample lies in a window: (n, 1, 1000)."""
    at = torch.arange(MODEL_SAMPLES)
    return torch.stack([(at >= start) & (at < end) for start, end in windows])[:, None]


def _least_similar(fold: Fold, match: TopMatch) -> int:
    return int(fold.seen.similarities[:, match.prototype].argmin())


def _without(fold: Fold, match: TopMatch, rng: np.random.Generator) -> int:
    """Draw an ECG that neither carries the statement nor is called to."""
    likely = torch.sigmoid(fold.seen.logits[:, match.statement]).numpy()
    threshold = fold.bundle.decisions[fold.bundle.statements[match.statement]].threshold
    free = np.flatnonzero(~fold.labels[:, match.statement] & (likely < threshold))
    return int(rng.choice(free if len(free) else np.delete(np.arange(len(fold.x)), match.row)))


def elsewhere(window: Window, rng: np.random.Generator) -> Window:
    """Draw a window of the same length that does not overlap."""
    start, end = window
    length = end - start
    before = max(start - length + 1, 0)
    after = max(MODEL_SAMPLES - length - end + 1, 0)
    offset = int(rng.integers(before + after))
    new = offset if offset < before else end + offset - before
    return new, new + length
