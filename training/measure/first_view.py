"""What a reader of an explanation sees first: the finding that it opens on, and its first case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.evidence.leads import telling_leads
from protoecg.evidence.like_beats import is_printed, like_beats
from protoecg.evidence.likeness import likeness
from protoecg.evidence.neighbours import TrainingECGs, nearest, read_neighbours
from protoecg.explain import explain
from protoecg.explanation import Explanation, Finding, Match
from protoecg.figures.overlay import window_figure
from protoecg.labels import Statement
from protoecg.measure import Delineation, delineate
from protoecg.prototypes.prototype import SourceECG
from protoecg.sheet.pieces import print_pieces
from protoecg.sheet.view import View
from protoecg.summary import USUAL, summarised
from training.data import ptbxl

SEED = 0
STATEMENTS = ("PVC", "ASMI", "IMI", "CRBBB", "CLBBB")
KINDS = {
    "labelled": "are labelled with more than",
    "found": "have likely more than",
    "normal": "are labelled with only",
}
WHOSE = ("first shown", "most similar own", "nearest labelled")


def measure(bundle: Bundle, root: Path, fold: int, n: int) -> dict[str, Any]:
    """Measure on which findings a fold's ECGs open, and how their first cases look.

    Compared is what a cardiologist would: the correlation of the leads of two windows, see
    `protoecg.evidence.likeness`, of at most `n` ECGs of each of `STATEMENTS` that have it likely
    or possible and are labelled with it.

    Returns
    -------
    opens : of `n` ECGs drawn from the fold, how many are labelled with more than `USUAL`, have more
        likely, and are labelled with no more; and how many of each open on one of `USUAL`
    statements : of each, ECGs; mean correlation of all leads to the case first shown, the most
        similar own one, and the nearest training ECG with the label; share of ECGs in which a
        telling lead is in the mark on the tracing, or in that or the mark of a like beat, and in
        that of the beat in all leads

    Raises
    ------
    DataError
        If there is no data set, or no such fold.
    """
    data = ptbxl.load(root).folds([fold])
    order = np.random.default_rng(SEED).permutation(len(data.table))
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "opens": _opens(bundle, data, order[:n]),
        "statements": _statements(bundle, data, order, n),
    }


def _opens(bundle: Bundle, data: ptbxl.Dataset, rows: np.ndarray) -> dict[str, int]:
    counted = pd.DataFrame(
        _opening(_explained(bundle, data, row), data.table["codes"][row])
        for row in tqdm(rows, "opening", mininterval=2)
    )
    return {
        "ecgs": len(counted),
        **{
            f"{kind}{on}": int((counted[kind] & (counted["usual"] | (not on))).sum())
            for kind in KINDS
            for on in ("", "_opens_usual")
        },
    }


def _opening(explanation: Explanation, codes: tuple[str, ...]) -> dict[str, bool]:
    summary = summarised(explanation)
    more = bool(set(codes) - set(USUAL))
    return {
        "labelled": more,
        "found": any(f.certainty == "likely" and f.code not in USUAL for f in summary.in_order),
        "normal": "NORM" in codes and not more,
        "usual": summary.foremost is None or summary.foremost.code in USUAL,
    }


def _statements(
    bundle: Bundle, data: ptbxl.Dataset, order: np.ndarray, n: int
) -> dict[str, dict[str, float]]:
    index = read_neighbours(bundle)
    shares = {}
    for code in STATEMENTS:
        rows = [row for row in order if code in data.table["codes"][row]][:n]
        seen = pd.DataFrame(_seen(bundle, data, index, rows, code))
        if len(seen):
            shares[code] = {"ecgs": len(seen), **seen.mean().dropna().to_dict()}
    return shares


def _seen(
    bundle: Bundle, data: ptbxl.Dataset, index: TrainingECGs | None, rows: list[int], code: str
) -> Iterator[dict[str, float]]:
    for row in tqdm(rows, code, mininterval=2):
        ecg = ptbxl.read_record(data.root, data.table["record"][row])
        found = {finding.code: finding for finding in explain(ecg, bundle).findings}
        finding = found.get(code)
        if finding is None or finding.certainty == "absent" or not finding.speaking:
            continue
        shown = finding.speaking[0]
        cases = _cases(ecg, bundle, index, finding)
        yield {
            **{whose: _alike(data.root, ecg, shown, case) for whose, case in cases.items()},
            "marked on the tracing": _is_marked(ecg, shown, finding.statement),
            "or on a like beat": _is_marked(ecg, shown, finding.statement, delineate(ecg)),
            "marked on the beat": _is_marked_on_beat(ecg, shown, finding.statement),
        }


def _cases(
    ecg: ECG, bundle: Bundle, index: TrainingECGs | None, finding: Finding
) -> Mapping[str, tuple[SourceECG, tuple[float, float]]]:
    """Return the cases to compare, each with the window of this ECG that it is compared with."""
    shown = finding.speaking[0]
    own = [match for match in finding.matches if match.prototype.statement == finding.code]
    best = max(own, key=lambda match: match.similarity, default=shown)
    around = nearest(ecg, bundle, shown, index) if index else ()
    labelled = [(one, shown.window_s) for one in around if finding.code in one.statements]
    cases = [(shown.prototype, shown.window_s), (best.prototype, best.window_s), *labelled[:1]]
    return dict(zip(WHOSE, cases, strict=False))


def _alike(
    root: Path, ecg: ECG, shown: Match, case: tuple[SourceECG, tuple[float, float]]
) -> float:
    source, window_s = case
    other = ptbxl.read_record(root, source.record)
    return likeness(ecg, window_s, other, source.window_s).mean


def _is_marked(
    ecg: ECG, match: Match, statement: Statement, found: Delineation | None = None
) -> float:
    """Whether a telling lead is printed where the tracing of 3 x 4 is marked; NaN without any.

    With the ECG's delineation, also where a beat like the matched one is.
    """
    telling, view = telling_leads(statement), View()
    if not telling:
        return np.nan
    like = like_beats(ecg, found, match.window_s, telling, view) if found else ()
    return float(
        bool(like)
        or any(
            is_printed(match.window_s, (piece.start_s, piece.end_s))
            for piece in print_pieces(ecg, view)
            if piece.lead in telling
        )
    )


def _is_marked_on_beat(ecg: ECG, match: Match, statement: Statement) -> float:
    """Whether every telling lead is marked where the beat is drawn in all leads; NaN as above."""
    telling = telling_leads(statement)
    if not telling:
        return np.nan
    figure = window_figure(ecg, match.window_s, view=View(), telling=telling)
    boxes = [trace for trace in figure.data if trace.name == "telling leads"]
    return float(bool(boxes) and np.isnan(boxes[0].x).sum() == len(telling))


def _explained(bundle: Bundle, data: ptbxl.Dataset, row: int) -> Explanation:
    return explain(ptbxl.read_record(data.root, data.table["record"][row]), bundle)


def table(results: Mapping[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    opens = results["opens"]
    lines = [
        f"{opens[f'{kind}_opens_usual']} of {opens[kind]} ECGs that {words} {' or '.join(USUAL)} "
        "open on that"
        for kind, words in KINDS.items()
    ]
    rows = pd.DataFrame(results["statements"]).T
    return "\n".join([*lines, "", rows.round(2).to_string(), ""])
