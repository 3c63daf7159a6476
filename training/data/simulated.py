"""A data set of simulated ECGs in the layout of PTB-XL, with the time of every event."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from protoecg.prototypes.records import write_record
from protoecg.simulate import Person, SimulatedECG, draw, simulate

NAME = "Simulated ECGs"
RATE = 100
FOLDS = 10
SECOND_ECG = 0.1
# PTB-XL gives 0 where a statement is about rhythm or form and carries no likelihood.
WITHOUT_LIKELIHOOD = (
    *("SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "PACE"),
    *("PVC", "PAC", "STD_", "INVT", "LVOLT"),
)


@dataclass(frozen=True)
class _Plan:
    ecg_id: int
    patient_id: int
    statements: tuple[str, ...]
    strat_fold: int

    @property
    def filename(self) -> str:
        return f"records{RATE}/{self.ecg_id // 1000 * 1000:05d}/{self.ecg_id:05d}_lr"


def write_dataset(dest: Path, n: int, seed: int) -> None:
    """Write `n` simulated ECGs to the folder `dest` as PTB-XL would hold them.

    `ptbxl_database.csv` and `records100/` have PTB-XL's columns and format; `events.csv` holds
    the kind, onset and offset of every event; `dataset.json` says that the data are simulated.
    Every tenth patient has two ECGs, and all ECGs of a patient share a fold. The same seed gives
    the same files.

    Raises
    ------
    FileExistsError
        If `dest` already holds a data set.
    """
    if (dest / "ptbxl_database.csv").exists():
        raise FileExistsError(
            f"{dest} already holds a data set (ptbxl_database.csv). Choose another folder, or "
            "remove it first."
        )
    dest.mkdir(parents=True, exist_ok=True)
    rows, events = [], []
    for plan in tqdm(_plans(n, seed), total=n, desc="Simulating", unit="ECG"):
        simulated = _simulated(plan, seed)
        write_record(dest / plan.filename, simulated.ecg.signal)
        rows.append(_row(plan, simulated))
        events += [(plan.ecg_id, *astuple(event)) for event in simulated.events]
    columns = ["ecg_id", "kind", "onset_s", "offset_s"]
    pd.DataFrame(events, columns=columns).to_csv(dest / "events.csv", index=False)
    about = {"name": NAME, "simulated": True, "licence": "MIT", "seed": seed, "n": n}
    (dest / "dataset.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    # Last, as it is by this file that a data set is known: what is cut short is none.
    pd.DataFrame(rows).to_csv(dest / "ptbxl_database.csv", index=False)


def _plans(n: int, seed: int) -> Iterator[_Plan]:
    rng = np.random.default_rng(seed)
    dealt: Counter[str] = Counter()
    ecg_id = patient_id = 0
    while ecg_id < n:
        patient_id += 1
        statements = draw(rng)
        # Dealt out statement by statement, so that each fold has its share of each.
        rarest = statements[-1]
        fold = (dealt[rarest] + sum(rarest.encode())) % FOLDS + 1
        dealt[rarest] += 1
        for _ in range(min(1 + (rng.uniform() < SECOND_ECG), n - ecg_id)):
            ecg_id += 1
            yield _Plan(ecg_id, patient_id, statements, fold)


def _simulated(plan: _Plan, seed: int) -> SimulatedECG:
    person = Person.draw(np.random.default_rng([seed, plan.patient_id]))
    rng = np.random.default_rng([seed, plan.patient_id, plan.ecg_id])
    return simulate(plan.statements, seed=rng, rate=RATE, person=person)


def _row(plan: _Plan, simulated: SimulatedECG) -> dict[str, object]:
    codes = {code: 0.0 if code in WITHOUT_LIKELIHOOD else 100.0 for code in plan.statements}
    return {
        "ecg_id": plan.ecg_id,
        "patient_id": float(plan.patient_id),
        "age": float(simulated.age),
        "sex": int(simulated.sex == "female"),
        "report": "simulated",
        "scp_codes": str(codes),
        "validated_by_human": False,
        "strat_fold": plan.strat_fold,
        "filename_lr": plan.filename,
    }
