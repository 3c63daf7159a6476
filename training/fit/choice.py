"""Which training ECGs may be prototypes: those whose labels a cardiologist would believe.

The rules of `RULES` hold for a statement's candidates. Where too few patients are left, they are
set aside one after another, from the last to the first, until there are enough; which of them the
ECG of a prototype breaks is stored with it and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np
import pandas as pd
import torch

from protoecg.measure.beats import RATE, find_beats
from protoecg.network.projection import Source, assign
from protoecg.network.protoecgnet import Branch
from protoecg.network.prototypes import Similarities
from training.data.ptbxl import Dataset, read_record
from training.data.reports import contradicts
from training.fit.nearest import Search

SURE_PERCENT = 80
OTHER_FINDINGS = 1
# So many candidates a statement are looked at.
MOST = 1000
# A QRS complex nearer to the end of a window is cut.
MARGIN_S = 0.1

_WITHOUT_P = {"AFIB", "AFLT", "PSVT", "SVTAC"}
_FORMS = {
    *("ABQRS", "PVC", "STD_", "VCLVH", "QWAVE", "LOWT", "NT_", "PAC", "LPR", "INVT"),
    *("LVOLT", "HVOLT", "TAB_", "STE_", "PRC(S)"),
}
_RHYTHMS_OF_NORM = {"SR", "SARRH", "SBRAD", "STACH", "SVARR"}
# What cannot be true of one ECG at once: any of the first with any of the second.
CONTRADICTIONS: tuple[tuple[set[str], set[str]], ...] = (
    (_WITHOUT_P, {"SR", "SARRH", "SBRAD", "1AVB", "2AVB", "LPR", "LAO/LAE", "RAO/RAE", "PAC"}),
    ({"AFIB"}, {"AFLT", "PSVT", "SVTAC"}),
    ({"PACE"}, {"1AVB", "LPR"}),
    ({"3AVB"}, {"1AVB", "LPR"}),
    ({"CLBBB"}, {"CRBBB", "ILBBB", "IRBBB"}),
    ({"CRBBB"}, {"ILBBB", "IRBBB"}),
    ({"ILBBB"}, {"IRBBB"}),
    ({"LAFB"}, {"LPFB"}),
    ({"HVOLT", "LVH", "VCLVH"}, {"LVOLT"}),
    ({"STACH"}, {"SBRAD"}),
    ({"BIGU"}, {"TRIGU"}),
)


def contradict(codes: Iterable[str]) -> bool:
    """Whether some of PTB-XL's statements cannot all be true.

    NORM goes with rhythms and mere forms only.
    """
    found = set(codes)
    if "NORM" in found and found - {"NORM"} - _RHYTHMS_OF_NORM - _FORMS:
        return True
    return any(found & some and found & others for some, others in CONTRADICTIONS)


def _no_contradiction(ecg: pd.Series, code: str) -> bool:
    return not contradict(ecg["scp"])


def _as_reported(ecg: pd.Series, code: str) -> bool:
    return not contradicts(ecg["report"], code)


def _validated(ecg: pd.Series, code: str) -> bool:
    return ecg["validated"] is None or bool(ecg["validated"])


def _likely(ecg: pd.Series, code: str) -> bool:
    return ecg["likelihoods"].get(code, 100) >= SURE_PERCENT


def _quiet(ecg: pd.Series, code: str) -> bool:
    return not ecg["noise"]


def _plain(ecg: pd.Series, code: str) -> bool:
    return len(set(ecg["findings"]) - {code}) <= OTHER_FINDINGS


# By the words for an ECG that breaks it, in the order in which they are kept.
RULES: Mapping[str, Callable[[pd.Series, str], bool]] = {
    "statements that contradict each other": _no_contradiction,
    "a report that says otherwise": _as_reported,
    "no human validation": _validated,
    f"a likelihood below {SURE_PERCENT} %": _likely,
    "a remark on noise": _quiet,
    "more than one other finding": _plain,
}


def broken(ecg: pd.Series, code: str) -> tuple[str, ...]:
    """Return what speaks against an ECG (a row of `Dataset.table`) as a prototype."""
    return tuple(rule for rule, holds in RULES.items() if not holds(ecg, code))


def candidates(table: pd.DataFrame, code: str, suspect: np.ndarray, needed: int) -> np.ndarray:
    """Return the rows of the ECGs that keep most rules while `needed` patients are left.

    Parameters
    ----------
    table : of a `Dataset`
    suspect : (n,) bool, ECGs whose label may be wrong; they are candidates as a last resort
    """
    carriers = np.flatnonzero([code in codes for codes in table["codes"]])
    patients = table["patient"].to_numpy()
    order = list(RULES)
    first_broken = np.array([_first_broken(table.iloc[row], code, order) for row in carriers])
    for kept in range(len(order), -1, -1):
        rows = carriers[(first_broken >= kept) & ~suspect[carriers]]
        if len(set(patients[rows])) >= needed:
            return rows[np.random.default_rng(0).permutation(len(rows))[:MOST]]
    return carriers


def _first_broken(ecg: pd.Series, code: str, order: list[str]) -> int:
    """Return how many rules hold before the first that is broken."""
    rules = broken(ecg, code)
    return min((order.index(one) for one in rules), default=len(order))


def choose(
    branch: Branch,
    dataset: Dataset,
    search: Search,
    suspects: Mapping[str, np.ndarray],
    statements: Collection[str] | None = None,
) -> list[Source]:
    """Return the sure window that is most similar to each prototype of a branch.

    Of a branch that compares windows, each holds a whole QRS complex.

    Parameters
    ----------
    dataset, search : the training ECGs, and what finds their best windows
    suspects : of each statement, (n,) bool: ECGs whose label may be wrong
    statements : of whose prototypes alone, in the branch's order; else of all
    """
    mine = [
        p
        for p, owner in enumerate(branch.shape.owners)
        if statements is None or owner in statements
    ]
    if not mine:
        return []
    owners = [branch.shape.owners[p] for p in mine]
    codes = list(dict.fromkeys(owners))
    owned = torch.tensor([[owner == code for code in codes] for owner in owners])
    allowed = torch.zeros(len(dataset.table), len(codes), dtype=torch.bool)
    for column, code in enumerate(codes):
        needed = owners.count(code)
        allowed[candidates(dataset.table, code, suspects[code], needed), column] = True
    rows = torch.nonzero(allowed.any(dim=1)).flatten()
    best = search(branch, rows)
    seen, allowed = Similarities(*(part[:, mine] for part in best)), allowed[rows]
    patients = dataset.table["patient"].to_numpy()[rows.numpy()]
    if branch.shape.view != "strip":
        _bar_without_beat(branch, dataset, rows, seen, owned, allowed, patients)
    sources = assign(seen, owned, allowed, patients)
    return [Source(int(rows[row]), cell) for row, cell in sources]


def _bar_without_beat(
    branch: Branch,
    dataset: Dataset,
    rows: torch.Tensor,
    seen: Similarities,
    owned: torch.Tensor,
    allowed: torch.Tensor,
    patients: np.ndarray,
) -> None:
    """Take from `allowed` the ECGs whose chosen window holds no whole QRS complex.

    The last patients that a statement needs are left.
    """
    records = dataset.table["record"].to_numpy()[rows.numpy()]
    at: dict[int, np.ndarray] = {}
    barred = True
    while barred:
        barred = False
        for p, (row, cell) in enumerate(assign(seen, owned, allowed, patients)):
            if row not in at:
                at[row] = find_beats(read_record(dataset.root, records[row])).at / RATE
            column = int(owned[p].nonzero())
            left = allowed[:, column].clone()
            left[row] = False
            enough = len(set(patients[left.numpy()])) >= int(owned[:, column].sum())
            if enough and not holds_beat(at[row], branch.window_s(cell)):
                allowed[row, column], barred = False, True


def holds_beat(at: np.ndarray, window_s: tuple[float, float]) -> bool:
    """Whether a whole QRS complex, of those `at` these times in seconds, lies in a window."""
    start, end = window_s
    return bool(((at >= start + MARGIN_S) & (at <= end - MARGIN_S)).any())
