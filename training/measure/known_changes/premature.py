"""Whether the leading window of a premature beat's finding holds that beat, on real ECGs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import explain
from protoecg.measure import Delineation, delineate, is_early
from protoecg.signals import MODEL_RATE
from protoecg.wording import is_whole_strip
from training.data import ptbxl
from training.measure.faithfulness.locating import against_chance, centred, holds

# Whether a premature beat of each statement has the shape of most beats.
ALIKE = {"PVC": False, "PAC": True}


def premature(bundle: Bundle, data: ptbxl.Dataset) -> dict[str, Any]:
    """Compare where a finding of premature beats points with where early beats are measured.

    Beats are found and called early, of the usual shape or another, without the network.

    Returns
    -------
    of each statement: how many `ecgs` labelled with it, that the bundle calls likely or possible,
    have such a beat by measurement, and how often the leading match's window `holds` at least
    half of the QRS complex of one, and has its `centre` in one, each beside chance
    """
    return {
        code: _of_statement(bundle, data, code, alike)
        for code, alike in ALIKE.items()
        if code in bundle.statements
    }


def _of_statement(bundle: Bundle, data: ptbxl.Dataset, code: str, alike: bool) -> Mapping[str, Any]:
    carriers = data.table["record"][[code in codes for codes in data.table["codes"]]]
    rates = []
    for record in tqdm(carriers, code, unit="ECG", mininterval=2):
        ecg = ptbxl.read_record(data.root, record)
        if len(early := early_complexes(delineate(ecg), alike)):
            rates += _localisation(ecg, bundle, code, early)
    means = np.mean(rates, axis=0).tolist() if rates else [None] * 4
    keys = ("holds", "holds_by_chance", "centre", "centre_by_chance")
    return {"ecgs": len(rates), **dict(zip(keys, means, strict=True))}


def early_complexes(found: Delineation, alike: bool) -> np.ndarray:
    """Return the QRS complexes of early beats, alike or unlike most: (k, 2) seconds."""
    beats = zip(found.beats, found.alike, is_early(found), strict=True)
    return np.array([b.qrs for b, same, early in beats if early and same is alike]).reshape(-1, 2)


def _localisation(ecg: ECG, bundle: Bundle, code: str, early: np.ndarray) -> list[list[float]]:
    """Return whether the leading window holds an early beat, beside chance; none if not called."""
    finding = next(f for f in explain(ecg, bundle).findings if f.code == code)
    if finding.certainty == "absent" or not finding.speaking:
        return []
    window_s = finding.matches[0].window_s
    if is_whole_strip(window_s):
        return []
    start, end = (round(seconds * MODEL_RATE) for seconds in window_s)
    return [
        [
            f
            for rule in (holds, centred)
            for f in against_chance(rule, (start, end), early * MODEL_RATE)
        ]
    ]
