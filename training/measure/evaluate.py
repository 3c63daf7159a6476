"""What a bundle is worth on a fold, how sure that is, and whether another is worth less.

Intervals are 95 % bootstrap intervals over patients; those of sensitivity, specificity and PPV are
Wilson's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import expit
from torch import Tensor

from protoecg.bundle import Bundle
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.manifest import BundleError, Decision
from training import metrics
from training.data import ptbxl
from training.data.dataset import folds_of
from training.data.quantities import measured
from training.engine import Engine, here
from training.judgement import Judgement, Offset, fused, linear, parts, rare
from training.measure import calls
from training.measure.with_intervals import number, ranked, sure

FUSED = "fused"


def evaluate(
    bundle: Bundle, root: Path, fold: int, other: Bundle | None = None, engine: Engine = here
) -> dict[str, Any]:
    """Measure a bundle on one fold of a data set, and compare it with another.

    Parameters
    ----------
    engine : where the networks look at the ECGs

    Returns
    -------
    bundle, revision, fold, held_out : what was measured; `held_out` is false where the bundle was
        trained or calibrated on the fold, so that its figures flatter
    n, macro_auroc and more : see `results`
    comparison : with `other`, see `compare`; its `held_out` is of both bundles

    Raises
    ------
    DataError, BundleError
        If the fold has no ECG, or the bundles no statement in common.
    """
    data = ptbxl.load(root).folds([fold])
    labels, patients = data.labels(bundle.statements), data.table["patient"].to_numpy()
    bundles = [bundle] if other is None else [bundle, other]
    seen = similarities([b.network for b in bundles], data, engine)
    offsets = measured_offsets(bundles, data)
    evaluation = {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "held_out": _held_out(bundle, data, fold),
        **results(
            bundle.network,
            seen[0],
            labels,
            patients,
            judge(bundle, seen[0], offsets[0]),
            offsets[0],
        ),
    }
    if other is not None:
        held_out = evaluation["held_out"] and _held_out(other, data, fold)
        compared = compare(bundle, other, seen, data, offsets)
        evaluation["comparison"] = {"held_out": held_out, **compared}
    return evaluation


def similarities(
    networks: Sequence[ProtoECGNet], data: ptbxl.Dataset, engine: Engine = here
) -> list[Tensor]:
    """Return the similarities (n, p) that each network sees in the ECGs."""
    seen = engine(partial(_seen, tuple(networks)), data, "evaluate")
    return [torch.cat(batches) for batches in zip(*seen, strict=True)]


@torch.no_grad()
def _seen(networks: Sequence[ProtoECGNet], batch: Tensor) -> list[Tensor]:
    return [network(batch).similarities for network in networks]


def measured_offsets(bundles: Sequence[Bundle], data: ptbxl.Dataset) -> list[Offset]:
    """Return the logits (n, c) that measurements of the ECGs add in each bundle."""
    if not any(bundle.measured for bundle in bundles):
        return [0.0] * len(bundles)
    values = measured(data)
    return [b.measured.offsets(values, b.statements) if b.measured else 0.0 for b in bundles]


def _held_out(bundle: Bundle, data: ptbxl.Dataset, fold: int) -> bool:
    return fold not in {
        *folds_of(bundle.about, data, "train_folds"),
        *folds_of(bundle.about, data, "validation_folds"),
    }


def judge(bundle: Bundle, seen: Tensor, offset: Offset = 0.0) -> Judgement:
    """Return what a bundle calls in ECGs with similarities (n, p), by its own thresholds.

    Parameters
    ----------
    offset : (n, c) logits that measurements add
    """
    return judged(bundle.network, bundle.decisions, seen, offset)


def judged(
    network: ProtoECGNet, decisions: Mapping[str, Decision], seen: Tensor, offset: Offset = 0.0
) -> Judgement:
    """Return what a network calls in ECGs by these thresholds, as `judge` does."""
    own = [decisions[code] for code in network.statements]
    return by_thresholds(fused(network, seen, offset), own)


def by_thresholds(logits: np.ndarray, own: Sequence[Decision]) -> Judgement:
    """Return what logits (n, c) say by the decisions of their statements."""
    probability = expit(logits)
    likely = np.array([decision.threshold for decision in own])
    possible = np.array([d.threshold if d.possible_from is None else d.possible_from for d in own])
    return Judgement(probability, probability >= likely, probability >= possible, False)


def results(
    network: ProtoECGNet,
    seen: Tensor,
    labels: np.ndarray,
    patients: np.ndarray,
    judgement: Judgement,
    offset: Offset = 0.0,
) -> dict[str, Any]:
    """Return how well the statements are told apart, and how far their probabilities hold.

    Parameters
    ----------
    seen : (n, p) similarities
    labels : (n, c)
    patients : (n,) patient of each ECG
    judgement : the probabilities and calls to measure
    offset : (n, c) logits that measurements add to those of all branches fused

    Returns
    -------
    n, patients : how many ECGs, of how many patients
    macro_auroc, weighted_auroc, macro_auprc, fmax : over the statements that occur, each with its
        `_interval`; weighted by positives; `fmax` is that of `metrics.fmax`
    per_branch : AUROC of each branch alone, on its own statements
    per_statement : AUROC and AUPRC, without an interval where ten ECGs do not carry the statement;
        of likely calls, sensitivity, specificity and PPV, of likely and possible ones together
        `called_sensitivity` and `called_ppv`; Brier score, Brier skill and ECE; null where
        undefined
    certainty : what calls are worth over all statements, see `calls.certainty`
    calibration : of the judgement, see `calls.calibration`
    """
    truth = pd.DataFrame(labels, columns=network.statements)
    counts = metrics.resamples(patients)
    by_part = scores(network, seen, offset)
    logits = by_part.pop(FUSED).to_numpy()
    evaluation = of_logits(network.statements, logits, labels, patients, judgement)
    evaluation["per_branch"] = {
        branch: _alone(truth[own.columns], own, counts) for branch, own in by_part.items()
    }
    evaluation["calibration"]["per_branch"] = {
        branch: metrics.reliability(labels[:, own], judgement.probability[:, own])
        for branch, _, own in parts(network)
    }
    return evaluation


def of_logits(
    statements: Sequence[str],
    logits: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    judgement: Judgement,
) -> dict[str, Any]:
    """Return the part of `results` for all branches fused, by their logits (n, c) alone."""
    counts = metrics.resamples(patients)
    aurocs, auprcs = metrics.ranking(labels, logits, counts)
    few = rare(labels)
    per_statement = {
        code: {
            **ranked("auroc", aurocs[:, column], few[column]),
            **ranked("auprc", auprcs[:, column], few[column]),
            **calls.of_statement(labels, judgement, column),
        }
        for column, code in enumerate(statements)
    }
    return {
        "n": len(labels),
        "patients": len(np.unique(patients)),
        **sure("macro_auroc", metrics.macro(aurocs)),
        **sure("weighted_auroc", metrics.macro(aurocs, counts.T @ labels)),
        **sure("macro_auprc", metrics.macro(auprcs)),
        **sure("fmax", metrics.fmax(labels, judgement.probability, counts)),
        "per_statement": per_statement,
        "certainty": calls.certainty(statements, labels > 0, judgement),
        "calibration": calls.calibration(labels, judgement, per_statement),
    }


def scores(network: ProtoECGNet, seen: Tensor, offset: Offset) -> dict[str, pd.DataFrame]:
    """Return the logits of all branches fused and of each alone, a column a statement."""
    logits = {FUSED: pd.DataFrame(fused(network, seen, offset), columns=network.statements)}
    for branch, columns, statements in parts(network):
        codes = [network.statements[column] for column in statements]
        logits[branch] = pd.DataFrame(linear(network.solo[branch], seen[:, columns]), columns=codes)
    return logits


def _alone(truth: pd.DataFrame, scores: pd.DataFrame, counts: np.ndarray) -> dict[str, Any]:
    aurocs, _ = metrics.ranking(truth.to_numpy(), scores.to_numpy(), counts)
    occur = int(np.sum(~np.isnan(aurocs[0])))
    return {**sure("macro_auroc", metrics.macro(aurocs)), "statements": occur}


def compare(
    bundle: Bundle,
    other: Bundle,
    seen: Sequence[Tensor],
    data: ptbxl.Dataset,
    offsets: Sequence[Offset] = (0.0, 0.0),
) -> dict[str, Any]:
    """Return by how much one bundle ranks better than another, on the same ECGs.

    Parameters
    ----------
    seen : similarities of the ECGs, (n, p) of each bundle
    offsets : logits that measurements add, (n, c) of each bundle

    Returns
    -------
    bundle : the other's name
    per_part : macro AUROC of both, their difference with its interval and two-sided p by paired
        bootstrap; of all branches fused and of each alone, over the statements that both decide
    """
    ours, theirs = (
        scores(b.network, own, offset)
        for b, own, offset in zip((bundle, other), seen, offsets, strict=True)
    )
    common = {
        part: [code for code in ours[part] if code in theirs[part]]
        for part in ours
        if part in theirs
    }
    if not common[FUSED]:
        raise BundleError(
            f"{bundle.path} and {other.path} decide no statement in common, so nothing can be "
            "compared. Name a bundle of the same statements."
        )
    counts = metrics.resamples(data.table["patient"].to_numpy())
    return {
        "bundle": other.name,
        "per_part": {
            part: _difference(data.labels(codes), ours[part][codes], theirs[part][codes], counts)
            for part, codes in common.items()
            if codes
        },
    }


def _difference(
    labels: np.ndarray, ours: pd.DataFrame, theirs: pd.DataFrame, counts: np.ndarray
) -> dict[str, Any]:
    mine, its = (
        metrics.macro(metrics.ranking(labels, scores.to_numpy(), counts)[0])
        for scores in (ours, theirs)
    )
    return {
        "statements": len(ours.columns),
        "macro_auroc": number(mine[0]),
        "other_macro_auroc": number(its[0]),
        **sure("difference", mine - its),
        "p": metrics.p_value(mine - its),
    }
