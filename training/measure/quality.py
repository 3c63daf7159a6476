"""How often signal quality is warned of: on ordinary ECGs, and on the same ones spoiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import resample_poly
from tqdm import tqdm

from protoecg.ecg import ECG
from protoecg.quality import quality
from protoecg.simulate.torso import ELECTRODES, twelve_leads
from training.data import ptbxl
from training.measure.abstention import SPOILS, Spoil
from training.metrics import wilson

SEED = 0
# Columns of PTB-XL in which experts wrote what is wrong with a recording.
REMARKS = ("baseline_drift", "static_noise", "burst_noise", "electrodes_problems")
WARNINGS = ("flat", "clipped", "noisy", "wander", "arms_swapped", "chest_reversed")


def _still(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Hold a lead at its last value for three seconds."""
    lead, start = rng.integers(12), rng.integers(round(6.5 * rate))
    spoiled = signal.copy()
    spoiled[lead, start : start + round(3 * rate)] = signal[lead, start]
    return spoiled


def _rail(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Cut all leads off at half of the largest deflection from their median."""
    middle = np.median(signal, axis=1, keepdims=True)
    rail = np.abs(signal - middle).max() / 2
    return np.clip(signal, middle - rail, middle + rail)


def _wander(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Let every electrode wander by 2 mV from peak to peak, at 0.15 to 0.4 Hz."""
    times = np.arange(signal.shape[1]) / rate
    hz, phase = rng.uniform(0.15, 0.4, (9, 1)), rng.uniform(size=(9, 1))
    return signal + twelve_leads(ELECTRODES @ np.cos(2 * np.pi * (hz * times + phase)))


def _mains(signal: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Add 50 Hz of 0.1 mV to every electrode, in a phase of its own."""
    times, phase = np.arange(signal.shape[1]) / rate, rng.uniform(size=(9, 1))
    return signal + 0.1 * twelve_leads(ELECTRODES @ np.cos(2 * np.pi * (50 * times + phase)))


# Each way of spoiling an ECG, and the warning that it should get.
SPOILED: Mapping[str, tuple[str, Spoil]] = {
    "one lead still for 3 s": ("flat", _still),
    "cut off at half its height": ("clipped", _rail),
    "muscle noise, 0.05 mV": ("noisy", SPOILS["muscle noise, 0.05 mV"]),
    "muscle noise, 0.1 mV": ("noisy", SPOILS["muscle noise, 0.1 mV"]),
    "mains, 0.1 mV": ("noisy", _mains),
    "wander, 2 mV": ("wander", _wander),
    "arm electrodes swapped": ("arms_swapped", SPOILS["arm electrodes swapped"]),
    "V1 to V6 reversed": ("chest_reversed", SPOILS["V1 to V6 reversed"]),
}


def measure(root: Path, folds: Sequence[int], n: int) -> dict[str, Any]:
    """Measure the warnings on `n` ECGs of some folds, drawn at random.

    Drawn are ECGs whose quality PTB-XL's experts had no remark on. They are spoiled at 2.5 times
    their rate: PTB-XL's 100 Hz cannot hold mains.

    Returns
    -------
    folds, n : what was measured
    false_alarms : of each warning and of `any`, the share of the ECGs as recorded that get it
    hits : of each way of spoiling them, the warning it should get and the share that get it

    Each share comes with its 95 % interval.

    Raises
    ------
    DataError
        If there is no data set, or no ECG of these folds.
    """
    records = _without_remarks(root, ptbxl.load(root).folds(folds).table)
    names = tqdm(records.sample(min(n, len(records)), random_state=SEED), "reading", mininterval=2)
    ecgs = [ptbxl.read_record(root, record) for record in names]
    plain = [quality(ecg) for ecg in ecgs]
    finer = [_finer(ecg) for ecg in ecgs]
    return {
        "folds": list(folds),
        "n": len(ecgs),
        "false_alarms": {
            **{name: _share([bool(getattr(seen, name)) for seen in plain]) for name in WARNINGS},
            "any": _share([bool(seen.sentences) for seen in plain]),
        },
        "hits": {
            name: {"warning": warning, **_share(_hits(finer, warning, spoil))}
            for name, (warning, spoil) in tqdm(SPOILED.items(), "spoiling", mininterval=2)
        },
    }


def _without_remarks(root: Path, table: pd.DataFrame) -> pd.Series:
    raw = pd.read_csv(root / "ptbxl_database.csv", index_col="ecg_id")
    remarks = raw.reindex(columns=REMARKS).notna().any(axis=1)
    return table.loc[~table["ecg_id"].map(remarks), "record"]


def summary(results: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    lines = [f"{results['n']} ECGs without remarks on their quality, of fold {_listed(results)}"]
    lines += [f"  as recorded: {k} {v['share']:.1%}" for k, v in results["false_alarms"].items()]
    lines += [f"  {k}: {v['warning']} {v['share']:.1%}" for k, v in results["hits"].items()]
    return "\n".join(lines) + "\n"


def _listed(results: dict[str, Any]) -> str:
    return ", ".join(map(str, results["folds"]))


def _hits(ecgs: Sequence[ECG], warning: str, spoil: Spoil) -> list[bool]:
    spoiled = (
        ECG(spoil(ecg.signal, ecg.rate, np.random.default_rng([SEED, row])), ecg.rate)
        for row, ecg in enumerate(ecgs)
    )
    return [bool(getattr(quality(ecg), warning)) for ecg in spoiled]


def _finer(ecg: ECG) -> ECG:
    return ECG(resample_poly(ecg.signal, 5, 2, axis=1), 2.5 * ecg.rate)


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    return {
        "share": sum(hits) / len(hits),
        "interval": list(wilson(sum(hits), len(hits))),
    }
