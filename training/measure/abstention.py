"""How often a model abstains: from ordinary ECGs, and from the same ones spoiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.ecg import ECG, LEADS, ECGError
from protoecg.familiarity import Familiarity
from protoecg.prototypes.manifest import BundleError
from protoecg.signals import model_input
from protoecg.simulate.torso import ELECTRODES, twelve_leads
from training.data import ptbxl
from training.data.dataset import folds_of
from training.familiarity import BATCH, fit_traits, traits_of
from training.metrics import wilson

# Each half has as many as it takes to leave one out.
FEWEST_PATIENTS = 4
SEED = 0

Spoil = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
Judges = list[tuple[Familiarity, np.ndarray]]


def measure(bundle: Bundle, root: Path, fold: int) -> dict[str, Any]:
    """Measure how often a bundle abstains from the ECGs of a fold, as they are and spoiled.

    On a fold that the bundle was validated on, where its own limits would flatter, each half of
    the patients is judged by limits that are fitted on the other half; elsewhere by the bundle's.

    Returns
    -------
    bundle, revision, fold, n, fitted_on : what was measured, and by which limits
    recordings : of the ordinary ECGs and of each way of spoiling them, the shares `abstained`
        from, as they are unlike those that it knows or their limb leads contradict each other,
        with its 95 % interval, and `refused`: by the reader, before any model sees it

    Raises
    ------
    DataError, BundleError
        If the fold has no ECG or too few patients, or the bundle no limits of its own where they
        are needed.
    """
    data = ptbxl.load(root).folds([fold])
    names = tqdm(data.table["record"], "reading", unit="ECG", mininterval=2)
    ecgs = [ptbxl.read_record(root, record) for record in names]
    patients = data.table["patient"].to_numpy()
    validated = fold in folds_of(bundle.about, data, "validation_folds")
    judges = _halves(ecgs, patients) if validated else _own(bundle, len(ecgs))
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "n": len(ecgs),
        "fitted_on": "the other half of the patients" if validated else "the validation fold",
        "recordings": {
            name: _shares(spoil, ecgs, judges)
            for name, spoil in tqdm(SPOILS.items(), "spoiling", mininterval=2)
        },
    }


def _own(bundle: Bundle, n: int) -> Judges:
    if bundle.familiarity is None:
        raise BundleError(
            f"{bundle.path} never abstains: it was written without limits. Write it anew with "
            "`python -m training fit`, or measure a fold that it was validated on."
        )
    return [(bundle.familiarity, np.arange(n))]


def _halves(ecgs: Sequence[ECG], patients: np.ndarray) -> Judges:
    """Pair each half of the patients' ECGs with limits that were fitted on the other half."""
    names, patient = np.unique(patients, return_inverse=True)
    if len(names) < FEWEST_PATIENTS:
        raise ptbxl.DataError(
            f"Found ECGs of {len(names)} patients, expected {FEWEST_PATIENTS} or more: limits are "
            "fitted on one half of them for the other. Measure a larger fold."
        )
    seen = traits_of(np.stack([model_input(ecg) for ecg in ecgs]))
    first = (np.random.default_rng(SEED).permutation(patient.max() + 1) % 2 == 0)[patient]
    return [
        (
            fit_traits({k: v[half] for k, v in seen.items()}, patients[half]),
            np.flatnonzero(~half),
        )
        for half in (first, ~first)
    ]


def _shares(spoil: Spoil, ecgs: Sequence[ECG], judges: Judges) -> dict[str, Any]:
    abstained = read = 0
    for familiarity, rows in judges:
        for start in range(0, len(rows), BATCH):
            spoiled = [_spoiled(spoil, ecgs[row], row) for row in rows[start : start + BATCH]]
            kept = [ecg for ecg in spoiled if ecg is not None]
            read += len(kept)
            if kept:
                strange = familiarity.strange(np.stack([model_input(ecg) for ecg in kept]))
                at_odds = np.array([ecg.limb_leads_contradict for ecg in kept])
                abstained += int(np.any([*strange.values(), at_odds], axis=0).sum())
    return {
        "abstained": abstained / len(ecgs),
        "abstained_interval": list(wilson(abstained, len(ecgs))),
        "refused": 1 - read / len(ecgs),
    }


def _spoiled(spoil: Spoil, ecg: ECG, row: int) -> ECG | None:
    rng = np.random.default_rng([SEED, row])
    try:
        return ECG(spoil(ecg.signal, ecg.rate, rng), ecg.rate)
    except ECGError:
        return None


def _leads(order: str) -> Spoil:
    """Take each lead from another one; a minus before it turns it upside down."""
    taken = order.split()
    rows = [LEADS.index(lead.removeprefix("-")) for lead in taken]
    signs = np.array([[-1.0 if lead.startswith("-") else 1.0] for lead in taken])
    return lambda signal, rate, rng: signs * signal[rows]


def _chest_at_random(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([signal[:6], signal[6 + rng.permutation(6)]])


def _times(gain: float) -> Spoil:
    return lambda signal, rate, rng: gain * signal


def _lead_times(lead: str, gain: float) -> Spoil:
    """Scale one lead by itself, so that a limb lead is at odds with the others."""
    gains = np.where(np.isin(LEADS, lead), gain, 1.0)[:, None]
    return lambda signal, rate, rng: gains * signal


def _without(leads: Sequence[str]) -> Spoil:
    silent = np.isin(LEADS, leads)[:, None]
    return lambda signal, rate, rng: np.where(silent, 0, signal)


def _without_some(number: int) -> Spoil:
    return lambda signal, rate, rng: np.where(rng.permutation(12)[:, None] < number, 0, signal)


def _noise_alone(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    return 0.1 * twelve_leads(ELECTRODES @ rng.standard_normal((9, signal.shape[1])))


def _muscle(mv: float) -> Spoil:
    """Add noise of 20 Hz and more at every electrode, `mv` its root mean square there."""

    def spoil(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
        band = butter(4, [20, 0.48 * rate], btype="bandpass", fs=rate, output="sos")
        noise = sosfiltfilt(band, rng.standard_normal((9, signal.shape[1])), axis=1)
        return signal + mv * twelve_leads(ELECTRODES @ (noise / noise.std()))

    return spoil


CHEST = "V1 V2 V3 V4 V5 V6"
LIMBS = "I II III aVR aVL aVF"
SPOILS: dict[str, Spoil] = {
    "as recorded": _times(1),
    "white noise, no ECG": _noise_alone,
    "one lead flat": _without_some(1),
    "two leads flat": _without_some(2),
    "three leads flat": _without_some(3),
    "limb leads flat": _without(LIMBS.split()),
    "chest leads flat": _without(CHEST.split()),
    "arm electrodes swapped": _leads(f"-I III II aVL aVR aVF {CHEST}"),
    "right arm and left leg swapped": _leads(f"-III -II -I aVF aVL aVR {CHEST}"),
    "left arm and left leg swapped": _leads(f"II I -III aVR aVF aVL {CHEST}"),
    "lead II half as high as recorded": _lead_times("II", 0.5),
    "lead I upside down": _leads(f"-I II III aVR aVL aVF {CHEST}"),
    "V1 and V2 swapped": _leads(f"{LIMBS} V2 V1 V3 V4 V5 V6"),
    "V1 to V6 reversed": _leads(f"{LIMBS} V6 V5 V4 V3 V2 V1"),
    "V1 to V6 in any order": _chest_at_random,
    "upside down": _times(-1),
    "ten times too large": _times(10),
    "ten times too small": _times(0.1),
    **{f"muscle noise, {mv} mV": _muscle(mv) for mv in (0.02, 0.05, 0.1, 0.2, 0.5)},
}


def summary(results: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    lines = [f"{results['n']} ECGs of fold {results['fold']}, limits from {results['fitted_on']}"]
    for name, own in results["recordings"].items():
        refused = f", refused {own['refused']:.1%}" if own["refused"] else ""
        lines.append(f"  {name}: abstained {own['abstained']:.1%}{refused}")
    return "\n".join(lines) + "\n"
