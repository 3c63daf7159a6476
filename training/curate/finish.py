"""The touched statements fitted, calibrated and measured anew, after prototypes changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from protoecg.bundle import Bundle
from protoecg.measured.curves import MeasuredEvidence
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.manifest import Decision
from training.curate import comparison
from training.curate.comparison import Side
from training.curate.partial_fit import PartialFit, rebuilt, shares_of, touched, unexplained
from training.curate.pool import Pool
from training.curate.progress import CurationProgress
from training.curate.reporter import EVERY_S, Reporter
from training.curate.similarity import approximate, similarities
from training.data import ptbxl
from training.data.dataset import stated_folds
from training.data.quantities import measured
from training.fit import calibrate
from training.judgement import Offset, fused
from training.measure import evaluate

# Of the bundle's weights, so much may come out otherwise when its own prototypes are fitted again.
MOST_UNEXPLAINED = 0.1
RANDOM = 20


@dataclass(frozen=True, eq=False)
class Finished:
    """A network after its touched statements were fitted, with all that goes with it.

    Parameters
    ----------
    validation : results on the validation ECGs, as a bundle keeps them
    evaluation : the same by the bundle's own thresholds, as a card keeps them; empty likewise
    comparison : with the bundle before, see `comparison.compare`; empty where nothing changed or
        the data set is not here
    purity : of each prototype before and after, see `comparison.purity_of_each`; empty likewise
    """

    network: ProtoECGNet
    decisions: Mapping[str, Decision]
    measured: MeasuredEvidence | None
    validation: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    comparison: dict[str, Any]
    purity: tuple[Sequence[float | None], Sequence[float | None]] = ((), ())


@dataclass(frozen=True, eq=False)
class Validation:
    """The validation ECGs of a bundle, as two networks see them.

    Parameters
    ----------
    data : the ECGs
    before, after : (n, p) similarities
    offset : (n, c) logits that measurements add in the bundle before
    """

    data: ptbxl.Dataset
    before: Tensor
    after: Tensor
    offset: Offset


def finish(
    bundle: Bundle,
    known: Pool,
    network: ProtoECGNet,
    columns: Sequence[int],
    changed: Sequence[int],
    work: Path,
    begun: CurationProgress,
    reporter: Reporter,
) -> Finished:
    """Fit the touched statements of a network in place, calibrate them, and compare.

    Another hospital's calibration stays: the validation ECGs, which are none of its own, then
    measure and move nothing.

    Parameters
    ----------
    network : with its new prototypes, see `rebuilt`
    columns : the statements that are touched
    changed : the columns of the similarities that changed, in the bundle before
    begun : keeps what was measured before a kill
    reporter : gets its progress

    Raises
    ------
    CurationError
        If the bundle does not tell how it was fitted.
    """
    metrics = bundle.about.get("validation", {})
    kept = Finished(network, bundle.decisions, bundle.measured, metrics, {}, {})
    if not columns:
        return kept
    fit, seen = _partial_fit(bundle, known, network, work, reporter)
    reporter.say(f"Fitting {len(columns)} statements that the changes touch")
    before = fit.before(columns)
    refuse = unexplained(bundle, before, columns)
    if refuse.max() > MOST_UNEXPLAINED:
        worst = bundle.statements[columns[int(refuse.argmax())]]
        reporter.say(
            f"Fitted again with its own prototypes, {worst} differs by "
            f"{100 * refuse.max():.0f} % from what the bundle has: part of what changes there is "
            "not the curation's."
        )
    fit.apply(network, seen, columns)
    if known.dataset is None:
        reporter.say("Without the data set the thresholds stay, and nothing is measured.")
        return kept
    validation = _validation(bundle, network, known, work, reporter)
    labels = validation.data.labels(bundle.statements)
    scale = (
        {}
        if bundle.recalibrations
        else recalibrate(network, validation.after, labels, validation.offset, columns)
    )
    curves = bundle.measured and bundle.measured.scaled(
        {code: scale.get(code, 1.0) for code in bundle.statements}
    )
    offset = _scaled(validation.offset, bundle.statements, scale)
    patients = validation.data.table["patient"].to_numpy()
    judgement = calibrate.cross_fit(
        network, validation.after, torch.from_numpy(labels), patients, offset
    )
    worth = calibrate.worth(bundle.decisions, judgement, labels)
    codes = set(scale)
    decisions = {c: worth[c] if c in codes else d for c, d in bundle.decisions.items()}
    reporter.say("Measuring before and after on the validation ECGs")
    results = evaluate.results(network, validation.after, labels, patients, judgement, offset)
    compared = comparison.compare(
        Side(bundle.network, bundle.decisions, validation.before, validation.offset),
        Side(network, decisions, validation.after, offset),
        labels,
        patients,
    )
    reporter.say(
        f"{RANDOM} times as many retired at random, to tell what fewer prototypes alone do"
    )
    by_chance = _at_random(bundle, fit, validation, labels, changed, begun, reporter)
    by_thresholds = evaluate.judged(network, decisions, validation.after, offset)
    evaluation = evaluate.results(
        network, validation.after, labels, patients, by_thresholds, offset
    )
    compared = {"fold": stated_folds(bundle.about, "validation_folds"), **compared}
    purity = (
        comparison.purity_of_each(bundle.network, validation.before, labels),
        comparison.purity_of_each(network, validation.after, labels),
    )
    compared = {**compared, "random": by_chance}
    return Finished(network, decisions, curves, results, evaluation, compared, purity)


def recalibrate(
    network: ProtoECGNet,
    seen: Tensor,
    labels: np.ndarray,
    offset: Offset,
    columns: Sequence[int],
) -> dict[str, float]:
    """Move scale and shift of statements to what the validation ECGs say, in place.

    The other statements, which are calibrated, say how far scales and shifts may be off, see
    `calibrate.platt`. Thresholds stay: a probability means the same of all statements.

    Returns
    -------
    the scale of each of the statements, by which the offset has to be scaled
    """
    scale, shift = calibrate.platt(fused(network, seen, offset), labels)
    chosen = list(columns)
    calibrate.move(network, chosen, scale[chosen], shift[chosen])
    return {network.statements[c]: float(scale[c]) for c in chosen}


def _partial_fit(
    bundle: Bundle, known: Pool, network: ProtoECGNet, work: Path, reporter: Reporter
) -> tuple[PartialFit, Tensor]:
    """Return how to fit, and the training ECGs' similarities (n, p) to the new prototypes."""
    if known.dataset is None:
        before, after = (approximate(n, known.ecgs) for n in (bundle.network, network))
    else:
        both = (bundle.network, network)
        before, after = similarities(both, known.dataset, work, "training ECGs", reporter)
    return PartialFit(bundle, shares_of(bundle), before, torch.from_numpy(known.labels)), after


def _validation(
    bundle: Bundle, network: ProtoECGNet, known: Pool, work: Path, reporter: Reporter
) -> Validation:
    assert known.dataset is not None  # noqa: S101
    folds = stated_folds(bundle.about, "validation_folds")
    data = ptbxl.load(known.dataset.root).folds(folds)
    before, after = similarities((bundle.network, network), data, work, "validation ECGs", reporter)
    offset: Offset = 0.0
    if bundle.measured is not None:
        values = measured(data, work / f"measured-{data.checksum[:16]}.npz", reporter.follow)
        offset = bundle.measured.offsets(values, bundle.statements)
    return Validation(data, before, after, offset)


def _scaled(offset: Offset, statements: Sequence[str], scale: Mapping[str, float]) -> Offset:
    return offset * np.array([scale.get(code, 1.0) for code in statements])


def _at_random(
    bundle: Bundle,
    fit: PartialFit,
    validation: Validation,
    labels: np.ndarray,
    changed: Sequence[int],
    begun: CurationProgress,
    reporter: Reporter,
) -> dict[str, Any]:
    """Retire as many prototypes at random: what that costs, with the fit made anew and without."""
    chance = np.random.default_rng(0)
    base = comparison.macro(bundle.network, validation.before, validation.offset, labels)
    for number in reporter.follow(
        range(RANDOM), desc="retired at random", unit="draw", mininterval=EVERY_S
    ):
        columns = _drawn(bundle.network.owners, len(changed), changed, chance)
        if number < len(begun.draws):
            continue
        network = rebuilt(bundle.network, {}, columns)
        left = [c for c in range(len(bundle.prototypes)) if c not in columns]
        seen = validation.before[:, left]
        as_it_was = comparison.macro(network, seen, validation.offset, labels)
        statements = touched(bundle.network, columns)
        fit.fuse(network, fit.seen[:, left], statements)
        anew = comparison.macro(network, seen, validation.offset, labels)
        begun.add(anew - base, as_it_was - base)
    refitted, not_refitted = zip(*begun.draws, strict=True)
    return {
        "times": RANDOM,
        "retired": len(changed),
        "refitted": list(refitted),
        "not_refitted": list(not_refitted),
    }


def _drawn(
    owners: Sequence[tuple[str, str]],
    count: int,
    changed: Sequence[int],
    chance: np.random.Generator,
) -> list[int]:
    """Draw prototypes that were not changed, so that no statement is left without one."""
    left: dict[str, int] = {}
    for _, code in owners:
        left[code] = left.get(code, 0) + 1
    drawn: list[int] = []
    for column in chance.permutation([c for c in range(len(owners)) if c not in changed]):
        code = owners[column][1]
        if left[code] > 1 and len(drawn) < count:
            left[code] -= 1
            drawn.append(int(column))
    return drawn
