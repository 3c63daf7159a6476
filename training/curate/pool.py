"""The training ECGs that candidates come from: those of a bundle's index, and what is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from protoecg.bundle import Bundle
from protoecg.evidence.neighbours import SEXES, UNKNOWN_AGE, TrainingECGs, read_neighbours
from protoecg.prototypes.curation import CurationError
from protoecg.prototypes.waveforms import Waveforms, may_fetch
from training.data import ptbxl
from training.neighbours import training_ecgs


@dataclass(frozen=True, eq=False)
class Pool:
    """A bundle's training ECGs.

    Parameters
    ----------
    ecgs : the index of the bundle
    table : a row an ECG, in the order of the index, with the columns of `ptbxl.Dataset`
    labels : (n, c) of the bundle's statements
    waveforms : where their signals may be found
    dataset : the training ECGs themselves; None where the data set is not here, and then
        likelihoods, validation, noise and reports are unknown
    """

    ecgs: TrainingECGs
    table: pd.DataFrame
    labels: np.ndarray
    waveforms: Waveforms
    dataset: ptbxl.Dataset | None

    @property
    def fetches(self) -> bool:
        """Whether an ECG that is not here may be had from elsewhere."""
        return self.dataset is None and self.waveforms.physionet is not None and may_fetch()


def pool(bundle: Bundle, root: Path | None) -> Pool:
    """Return the training ECGs of a bundle, with what the data set at `root` knows of them.

    Raises
    ------
    CurationError
        If the bundle has no index.
    DataError
        If the data set is not the one that the bundle was trained on.
    """
    ecgs = read_neighbours(bundle)
    if ecgs is None:
        raise CurationError(
            f"{bundle.path} has no index of its training ECGs, which candidates come from. Make it "
            "with `python -m training neighbours`."
        )
    if root is None:
        waveforms = Waveforms.for_bundle(bundle.path, bundle.self_contained)
        return Pool(ecgs, _table(bundle, ecgs), _labels(bundle, ecgs), waveforms, None)
    dataset = training_ecgs(bundle, ptbxl.load(root))
    if list(dataset.table["record"]) != _records(ecgs):
        raise CurationError(
            f"The index of {bundle.path} holds other ECGs than {root}. Make it anew with "
            "`python -m training neighbours`."
        )
    labels = dataset.labels(bundle.statements)
    return Pool(ecgs, dataset.table, labels, Waveforms(bundle.path, ptbxl=root), dataset)


def _table(bundle: Bundle, ecgs: TrainingECGs) -> pd.DataFrame:
    statements = np.array(bundle.statements)
    codes = [tuple(statements[row]) for row in _labels(bundle, ecgs) > 0]
    return pd.DataFrame(
        {
            "record": _records(ecgs),
            "patient": ecgs.patient.astype(str),
            "age": np.where(ecgs.age == UNKNOWN_AGE, np.nan, ecgs.age),
            "sex": [SEXES[sex] for sex in ecgs.sex],
            "codes": codes,
            "scp": [tuple(sorted(bundle.labels.scp(of))) for of in codes],
            "findings": ptbxl.findings(codes, bundle.labels),
            "likelihoods": [{} for _ in range(len(ecgs))],
            "validated": None,
            "noise": [()] * len(ecgs),
            "report": "",
            "recorder": "",
        }
    )


def _labels(bundle: Bundle, ecgs: TrainingECGs) -> np.ndarray:
    bits = np.unpackbits(ecgs.statements, axis=1, count=len(bundle.statements))
    return bits.astype(np.float32)


def _records(ecgs: TrainingECGs) -> list[str]:
    return [row.tobytes().rstrip(b"\0").decode("ascii", errors="replace") for row in ecgs.record]
