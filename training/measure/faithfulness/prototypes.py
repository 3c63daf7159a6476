"""What the prototypes themselves are worth: exact, varied, pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable
from training.measure.faithfulness.fold import Fold, Numbers, Results, as_input, compare

EXACT = 0.9999
NEAREST = 10
# A sample at 100 Hz is 0.01 s.
SAME_WINDOW_S = 0.005


def exactness(fold: Fold) -> Results:
    """Whether each prototype is the window of the real ECG that it is shown as.

    The source record of each prototype is read from the data set, prepared and embedded as any
    ECG is: the similarity that the model reports to its own prototype (1 if exact, at least 0.9999
    counts), and whether it finds it in the very window that is shown as the prototype's. A mean
    over all windows falls short of 1 even where the prototype is its window.

    Notes
    -----
    Prototype projection: Chen et al., NeurIPS 2019 (ProtoPNet). A prototype that drifted from its
    source no longer is it.
    """
    waveforms = Waveforms(fold.bundle.path, ptbxl=fold.root)
    return {name: _exactness(fold, name, waveforms) for name in fold.bundle.network.branches}


def _exactness(fold: Fold, name: str, waveforms: Waveforms) -> Numbers:
    branch = fold.bundle.network.branches[name]
    prototypes = _of(fold, name)
    sources = {p: _source(waveforms, prototype) for p, prototype in enumerate(prototypes)}
    here = [p for p, x in sources.items() if x is not None]
    if not here:
        return {"n": 0, "missing": len(prototypes)}
    x = torch.cat([x for x in sources.values() if x is not None])
    values, cells = compare(branch, x, here)
    windows = np.array([branch.window_s(int(cell)) for cell in cells])
    stored = np.array([prototypes[p].window_s for p in here])
    same = np.abs(windows - stored).max(axis=1) < SAME_WINDOW_S
    return {
        "n": len(here),
        "missing": len(prototypes) - len(here),
        "exact": float((values >= EXACT).float().mean()),
        "smallest_similarity": float(values.min()),
        "median_similarity": float(values.median()),
        "same_window": float(same.mean()),
    }


def _source(waveforms: Waveforms, prototype: Prototype) -> Tensor | None:
    try:
        return as_input([waveforms.load(prototype)])
    except WaveformUnavailable:
        return None


def coverage(fold: Fold) -> Results:
    """How varied the prototypes of a statement are, and whether they are needed.

    Of each statement: how many prototypes it has, from how many patients, how many of them repeat
    a patient of the statement, the mean cosine between two of them, which share of them speaks
    for the statement at all (has a weight), and how many are the most similar one for at least one
    ECG of the fold that carries it, as a share of those that can be: no more than there are ECGs.

    Notes
    -----
    Diversity of prototypes: Wang et al., ICCV 2021 (TesNet). Redundant prototypes on few training
    cases are what a reproduction of ProtoECGNet found.
    """
    return {name: _coverage(fold, name) for name in fold.bundle.network.branches}


def _coverage(fold: Fold, name: str) -> Numbers:
    prototypes, first = _of(fold, name), fold.bundle.network.columns(name).start
    vectors = fold.bundle.network.branches[name].prototypes.vectors.flatten(1)
    unit = normalize(vectors, dim=1)
    patients, cosines, speak, used = [], [], [], []
    for code, own in _by_statement(prototypes).items():
        patients.append(len({prototypes[p].patient for p in own}))
        if len(own) > 1:
            cosines.append(_mean_of_pairs(unit[own] @ unit[own].T))
        column = fold.bundle.statements.index(code)
        weights = fold.bundle.network.fusion.weight[column, [first + p for p in own]]
        speak += (weights > 0).tolist()
        carriers = np.flatnonzero(fold.labels[:, column])
        if len(carriers):
            similar = fold.seen.similarities[carriers][:, [first + p for p in own]]
            used.append(len(set(similar.argmax(dim=1).tolist())) / min(len(own), len(carriers)))
    return {
        "statements": len(patients),
        "prototypes": len(prototypes),
        "patients_median": float(np.median(patients)),
        "patients_least": min(patients),
        "repeated_patients": len(prototypes) - sum(patients),
        "cosine_within_statement": _mean(cosines),
        "with_weight": _mean(speak),
        "used": _mean(used),
    }


def _mean_of_pairs(square: Tensor) -> float:
    count = len(square)
    return float((square.sum() - square.trace()) / (count * (count - 1)))


def purity(fold: Fold) -> Results:
    """Whether what is nearest to a prototype carries its statement.

    Of each prototype: the ten ECGs of the fold with the most similar window, one window an ECG,
    and which share of them carries the prototype's statement; beside it the share in the fold (its
    base rate), and the best that is attainable where fewer than ten ECGs carry it. Statements that
    no ECG of the fold carries are left out. Per statement: purity, base rate.

    Notes
    -----
    Purity of prototypes by their ten nearest patches: Nauta et al., CVPR 2023 (PIP-Net).
    """
    return {name: _purity(fold, name) for name in fold.bundle.network.branches}


def _purity(fold: Fold, name: str) -> Numbers:
    prototypes, first = _of(fold, name), fold.bundle.network.columns(name).start
    nearest = min(NEAREST, len(fold.x))
    rows = fold.seen.similarities[:, first : first + len(prototypes)].topk(nearest, dim=0).indices
    per_statement: dict[str, list[float]] = {}
    pure, base, attainable = [], [], []
    for code, own in _by_statement(prototypes).items():
        carries = fold.labels[:, fold.bundle.statements.index(code)]
        if not carries.any():
            continue
        of_each = carries[rows[:, own].numpy()].mean(axis=0)
        pure += of_each.tolist()
        base += [carries.mean()] * len(own)
        attainable += [min(int(carries.sum()), nearest) / nearest] * len(own)
        per_statement[code] = [round(float(of_each.mean()), 3), round(float(carries.mean()), 4)]
    return {
        "prototypes": len(pure),
        "purity": _mean(pure),
        "base_rate": _mean(base),
        "attainable": _mean(attainable),
        "above_base_rate": _mean([p > b for p, b in zip(pure, base, strict=True)]),
        "per_statement": per_statement,
    }


def _of(fold: Fold, name: str) -> list[Prototype]:
    return [fold.bundle.prototypes[column] for column in fold.bundle.network.columns(name)]


def _by_statement(prototypes: Iterable[Prototype]) -> dict[str, list[int]]:
    own: dict[str, list[int]] = defaultdict(list)
    for p, prototype in enumerate(prototypes):
        own[prototype.statement].append(p)
    return own


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
