"""What an index of training ECGs misses and rounds, against all windows of all of them."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import normalize

from protoecg.bundle import Bundle
from protoecg.evidence.neighbours import (
    SHOWN,
    NeighboursError,
    TrainingECGs,
    latent,
    read_neighbours,
)
from protoecg.explain import explain
from training.data import ptbxl
from training.neighbours import training_ecgs

SEED = 0
# Among what is less alike nobody looks for neighbours.
ALIKE = 0.8


def recall(bundle: Bundle, root: Path, fold: int, n: int, branch: str) -> dict[str, Any]:
    """Compare the neighbours by a bundle's index with those by all windows of the training ECGs.

    The queries are windows of `n` ECGs drawn from a fold (fewer where there are no more): of the
    strongest match of the first finding that rests most on a prototype of the branch.

    Returns
    -------
    branch, queries : which and how many windows
    nearest_found : share whose true nearest ECG is among the index's `SHOWN`
    overlap : share of the true `SHOWN` nearest that the index has, too
    similarity, similarity_of_all : mean of the `SHOWN`, by the index and by all windows
    label_share_off : mean difference in the share of them that carries the finding
    query_ms : median time of a query
    rounding_mean, rounding_99, rounding_max : error of the index's cosines above `ALIKE`

    Raises
    ------
    NeighboursError, DataError
        If the bundle has no index or was trained on other data, or the fold has no such ECG.
    """
    ecgs = read_neighbours(bundle)
    if ecgs is None:
        raise NeighboursError(
            f"{bundle.path} has no index; make it with `python -m training neighbours`."
        )
    dataset = ptbxl.load(root)
    queries, codes = _queries(bundle, dataset.folds([fold]), n, branch)
    train = training_ecgs(bundle, dataset)
    every, kept = _exact(bundle, train, ecgs, queries, branch)
    labels = train.labels(bundle.statements)[:, [bundle.statements.index(c) for c in codes]].T
    queried = pd.DataFrame(
        [
            _of_query(ecgs, branch, *numbers)
            for numbers in zip(queries, every, kept, labels, strict=True)
        ]
    )
    off = np.concatenate(queried.pop("off").to_list())
    return {
        "branch": branch,
        "queries": len(queries),
        **queried.drop(columns="query_ms").mean().to_dict(),
        "query_ms": float(queried["query_ms"].median()),
        "rounding_mean": float(off.mean()),
        "rounding_99": float(np.quantile(off, 0.99)),
        "rounding_max": float(off.max()),
    }


def _of_query(
    ecgs: TrainingECGs,
    branch: str,
    query: np.ndarray,
    every: np.ndarray,
    kept: np.ndarray,
    carries: np.ndarray,
) -> dict[str, Any]:
    """Results of one query: exact cosines of each ECG (n,) and of its kept windows (n, kept)."""
    start = perf_counter()
    similarities = ecgs.similarities(branch, query)
    ours = ecgs.one_per_patient(similarities.max(axis=1))[:SHOWN]
    query_ms = 1000 * (perf_counter() - start)
    true = ecgs.one_per_patient(every)[:SHOWN]
    return {
        "nearest_found": true[0] in ours,
        "overlap": len(set(true) & set(ours)) / SHOWN,
        "similarity": similarities.max(axis=1)[ours].mean(),
        "similarity_of_all": every[true].mean(),
        "label_share_off": abs(carries[ours].mean() - carries[true].mean()),
        "query_ms": query_ms,
        "off": np.abs(similarities - kept)[kept > ALIKE],
    }


def _queries(
    bundle: Bundle, data: ptbxl.Dataset, n: int, branch: str
) -> tuple[np.ndarray, list[str]]:
    """Latents (queries, latent) of patients' windows, and the finding that each is a match of."""
    rows: list[np.ndarray] = []
    codes: list[str] = []
    order = np.random.default_rng(SEED).permutation(len(data.table))
    for row in order:
        if len(rows) == n:
            break
        ecg = ptbxl.read_record(data.root, data.table["record"][row])
        matches = [(f.code, f.speaking[0]) for f in explain(ecg, bundle).findings if f.speaking]
        for code, match in [m for m in matches if m[1].prototype.branch == branch][:1]:
            rows.append(latent(ecg, bundle, match))
            codes.append(code)
    if not rows:
        raise ptbxl.DataError(f"No ECG of the fold has a finding that rests on {branch}.")
    return np.stack(rows), codes


@torch.inference_mode()
def _exact(
    bundle: Bundle, train: ptbxl.Dataset, ecgs: TrainingECGs, queries: np.ndarray, branch: str
) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of the queries to each ECG's best window (queries, n), and to its kept ones.

    The latter are (queries, n, kept).
    """
    backbone, cells = bundle.network.branches[branch].backbone, ecgs.cells[branch].astype(int)
    best, kept = [], []
    for x in ptbxl.batches(train, "all windows"):
        latents = normalize(backbone(x).float(), dim=1)
        cosines = np.einsum("ql,blc->qbc", queries, latents.numpy(), optimize=True)
        best.append(cosines.max(axis=2))
        of_batch, cells = np.split(cells, [len(x)])
        kept.append(np.take_along_axis(cosines, of_batch[None], axis=2))
    return np.concatenate(best, axis=1), np.concatenate(kept, axis=1)


def summary(results: dict[str, Any]) -> str:
    """Return the results of `recall` as lines of text."""
    return (
        f"{results['queries']} windows of {results['branch']}: the nearest ECG is among the "
        f"{SHOWN} of the index in {results['nearest_found']:.0%}\n"
        f"  of the {SHOWN} nearest it has {results['overlap']:.0%}; their mean similarity is "
        f"{results['similarity']:.3f}, that of the true ones {results['similarity_of_all']:.3f}\n"
        f"  the share that carries the finding is off by {results['label_share_off']:.3f}\n"
        f"  similarities above {ALIKE} are off by {results['rounding_mean']:.4f}, 99 % by less "
        f"than {results['rounding_99']:.4f}, at most {results['rounding_max']:.4f}\n"
        f"  a query takes {results['query_ms']:.0f} ms\n"
    )
