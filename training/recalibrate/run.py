"""A bundle with the scales and thresholds that a hospital's own ECGs set; all else stays.

Ranking travels between hospitals, thresholds don't. Each statement's logit gets a scale and a shift
by the calibration that the bundle itself had, see `training.fit.calibrate`: drawn towards those of
all statements, the more so the fewer ECGs carry it. Both go into weights, bias and measured curves,
so that bias, matches and measurements still add up to the logit. A statement that nobody there
carries may be one that nobody there writes down: it keeps every bit.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from protoecg.bundle import Bundle, save_bundle
from protoecg.card.document import SITE, CardError, CardResults, read_card, write_card
from protoecg.evidence.neighbours import read_neighbours, write_neighbours
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.manifest import Decision
from protoecg.prototypes.recalibration import ABOUT, Recalibration
from training.data import ptbxl
from training.data.dataset import DataError
from training.fit import calibrate
from training.judgement import Judgement
from training.measure.calls import USUAL
from training.measure.evaluate import by_thresholds, of_logits
from training.recalibrate.gain import gain
from training.recalibrate.local import Local, local

CARRIED = "waveforms"


def recalibrate(bundle: Bundle, root: Path, out: Path) -> tuple[Bundle, Recalibration]:
    """Write a bundle with scales and thresholds of a data set's ECGs to a new folder.

    Returns
    -------
    the bundle, and what was done, before and after on these ECGs by cross-fitting over patients

    Raises
    ------
    DataError
        If the folder is taken, or the data set can say nothing of the bundle, see `local`.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not empty. Name a new folder with --out: the bundle stays.")
    known = local(bundle, ptbxl.load(root))
    scale, shift = calibrate.platt(known.logits, known.labels)
    judged = calibrate.cross_fitted(known.logits, known.labels, known.patients)
    before = by_thresholds(known.logits, [bundle.decisions[code] for code in known.statements])
    done = _record(bundle, known, before, judged)
    network = deepcopy(bundle.network)
    calibrate.move(network, known.columns, scale, shift)
    decisions = calibrate.decide(known.labels, expit(scale * known.logits + shift))
    own = dict(zip(done.statements, decisions, strict=True))
    judged_decisions = calibrate.worth(own, judged, known.labels)
    scales = dict.fromkeys(bundle.statements, 1.0) | dict(
        zip(done.statements, scale.tolist(), strict=True)
    )
    made = _written(bundle, out, network, {**bundle.decisions, **judged_decisions}, scales, done)
    write_card(made, _card(bundle, known, {"before": before, "after": judged}, done))
    return made, done


def _card(
    bundle: Bundle, known: Local, judged: Mapping[str, Judgement], done: Recalibration
) -> CardResults:
    """Return what was measured at the hospital, beside what is known of the bundle before."""
    card: dict[str, Mapping[str, Any]] = {}
    with suppress(CardError):
        card |= read_card(bundle)
    results = {
        state: of_logits(known.statements, known.logits, known.labels, known.patients, judgement)
        for state, judgement in judged.items()
    }
    return {**card, SITE: {**done.to_json(), **results}}


def _record(bundle: Bundle, known: Local, before: Judgement, after: Judgement) -> Recalibration:
    statements = known.statements
    unusual = np.array([bundle.labels[code].scp not in USUAL for code in statements])
    return Recalibration(
        data=known.dataset.name,
        licence=known.dataset.licence,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        ecgs=len(known.labels),
        patients=len(set(known.patients)),
        parent=bundle.revision,
        statements=statements,
        comparison=gain(statements, unusual, known.labels, known.patients, before, after),
    )


def _written(
    bundle: Bundle,
    out: Path,
    network: ProtoECGNet,
    decisions: Mapping[str, Decision],
    scales: Mapping[str, float],
    done: Recalibration,
) -> Bundle:
    if (bundle.path / CARRIED).is_dir():
        shutil.copytree(bundle.path / CARRIED, out / CARRIED)
    made = save_bundle(
        out,
        name=f"{bundle.name}, calibrated at {done.data}",
        simulated=bundle.simulated,
        network=network,
        prototypes=bundle.prototypes,
        decisions=decisions,
        labels=bundle.labels,
        about=_about(bundle, done),
        familiarity=bundle.familiarity,
        measured=bundle.measured and bundle.measured.scaled(scales),
    )
    if index := read_neighbours(bundle):
        write_neighbours(made, index)
    return made


def _about(bundle: Bundle, done: Recalibration) -> dict[str, Any]:
    all_done = [asdict(one) for one in (*bundle.recalibrations, done)]
    return {**bundle.about, "created": done.date, ABOUT: all_done}
