"""The next real windows of a statement: who may take a retired prototype's place, best first.

Of another patient than its prototypes have, with a label that can be relied on (`fit.choice`), not
suspect, not like what was rejected, and never rejected before. They are ranked by how far they keep
the statement's training ECGs from all others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from protoecg.bundle import Bundle
from protoecg.evidence.neighbours import TrainingECGs
from protoecg.measure.beats import RATE, find_beats
from protoecg.network.projection import Source, crop, latents
from protoecg.network.protoecgnet import Branch
from protoecg.prototypes.curation import Candidates
from protoecg.prototypes.prototype import Prototype
from protoecg.signals import model_input
from training.curate.pool import Pool
from training.curate.rejected import Rejected, vector_of
from training.curate.similarity import nearest_kept
from training.curate.sources import Sources
from training.fit import choice
from training.measure import audit

# So many ECGs a statement are looked at, with all their windows that the index keeps.
LOOKED_AT = 150
BLOCK = 256


@dataclass(frozen=True, eq=False)
class Candidate:
    """A window that may take a prototype's place.

    Parameters
    ----------
    prototype : as it would be, under the name of the one that it replaces
    parts : how far it keeps the statement's training ECGs from all others: the difference of its
        mean similarities to both, in standard deviations
    likeness : cosine to the retired window
    vector : (latent,), as the branch's network sees the window
    """

    prototype: Prototype
    parts: float
    likeness: float
    vector: Tensor


@dataclass(frozen=True, eq=False)
class Found:
    """What a search for candidates found.

    Parameters
    ----------
    candidates : the best first
    lacking : by record, why the ECG of a window cannot be had that would have been looked at
    """

    candidates: list[Candidate]
    lacking: Mapping[str, str]

    @property
    def words(self) -> str:
        """What is missing and why; empty where nothing is."""
        if not self.lacking:
            return ""
        count, why = len(self.lacking), next(iter(self.lacking.values()))
        ecgs = f"{count} ECG{'s' if count != 1 else ''} that might stand for the statement"
        return f"{ecgs} cannot be had: {why}"


@dataclass(frozen=True, eq=False)
class Chooser:
    """Finds candidates among a bundle's training ECGs.

    Parameters
    ----------
    suspect : (n, c) bool, of the bundle's statements: labels that may be wrong
    rejected : windows that must not come back, nor what is like them
    gone : by record, why no server has its ECG; what is learnt is kept there
    """

    bundle: Bundle
    pool: Pool
    suspect: np.ndarray
    rejected: Rejected
    settings: Candidates
    gone: dict[str, str] = field(default_factory=dict)

    def candidates(
        self,
        retired: Prototype,
        taken: Collection[str] = (),
        *,
        most: int | None = None,
        on_found: Callable[[int], None] = lambda found: None,
    ) -> Found:
        """Return the windows that may take a prototype's place, the best first.

        Parameters
        ----------
        taken : patients who have given one in this curation
        most : so many are enough; as many as the settings say by default
        on_found : called after each ECG with how many are found
        """
        own = [p for p in self.bundle.prototypes if p.statement == retired.statement]
        patients = {*(p.patient for p in own), *taken}
        found: list[Candidate] = []
        with Sources(self.pool, self.gone) as sources:
            for row, cell, parts in self._ranked(retired):
                if self.pool.table["patient"].iloc[row] in patients:
                    continue
                candidate = self._candidate(retired, row, cell, parts, sources)
                if candidate is not None:
                    found.append(candidate)
                    patients.add(candidate.prototype.patient)
                on_found(len(found))
                if len(found) == (most or self.settings.shown):
                    break
        return Found(found, sources.lacking)

    def named(self, retired: Prototype, record: str, start_s: float) -> Found:
        """Return the window of a record that begins at a time; none where the index has none."""
        branch = self.bundle.network.branches[retired.branch]
        rows = np.flatnonzero(self.pool.table["record"].to_numpy() == record)
        cells = (
            (int(row), cell)
            for row in rows
            for cell in self.pool.ecgs.cells[retired.branch][row].tolist()
            if abs(branch.window_s(cell)[0] - start_s) < 0.005
        )
        with Sources(self.pool, self.gone) as sources:
            made = [self._candidate(retired, *at, float("nan"), sources) for at in islice(cells, 1)]
        return Found([candidate for candidate in made if candidate], sources.lacking)

    def _ranked(self, retired: Prototype) -> list[tuple[int, int, float]]:
        """Row, cell and `Candidate.parts` of each kept window of the sure ECGs, the best first."""
        code = retired.statement
        column = self.bundle.statements.index(code)
        needed = self.settings.shown
        table, suspect = self.pool.table, self.suspect[:, column]
        rows = choice.candidates(table, code, suspect, needed)[:LOOKED_AT]
        cells = self.pool.ecgs.cells[retired.branch][rows]
        vectors = _directions(self.pool.ecgs, retired.branch, rows)
        parts = self._parts(retired, vectors, np.repeat(rows, cells.shape[1]), column)
        order = np.argsort(-parts, kind="stable")
        flat = cells.ravel()
        return [(int(rows[i // cells.shape[1]]), int(flat[i]), float(parts[i])) for i in order]

    def _parts(
        self, retired: Prototype, vectors: np.ndarray, rows: np.ndarray, column: int
    ) -> np.ndarray:
        present = self.pool.labels[:, column] > 0
        found = []
        for start in range(0, len(vectors), BLOCK):
            seen = nearest_kept(self.pool.ecgs, retired.branch, vectors[start : start + BLOCK])
            own = rows[start : start + BLOCK]
            # An ECG says nothing about how its own window stands for others.
            with_it = seen[present].sum(axis=0) - seen[own, np.arange(len(own))]
            mean = with_it / max(int(present.sum()) - 1, 1)
            found.append((mean - seen[~present].mean(axis=0)) / (seen.std(axis=0) + 1e-6))
        return np.concatenate(found)

    def _candidate(
        self, retired: Prototype, row: int, cell: int, parts: float, sources: Sources
    ) -> Candidate | None:
        """Return a window as a candidate, or None where it may not be one."""
        branch = self.bundle.network.branches[retired.branch]
        prototype = self._prototype(retired, row, branch.window_s(cell))
        if prototype.identity in {*self.rejected.identities, retired.identity}:
            return None
        ecg = sources.load(prototype)
        if ecg is None:
            return None
        localised = branch.shape.view != "strip"
        if localised and not choice.holds_beat(find_beats(ecg).at / RATE, prototype.window_s):
            return None
        vector = embedded(branch, model_input(ecg), cell)
        likeness = _cosine(vector_of(self.bundle, retired), vector)
        others = self.rejected.likeness(retired.statement, vector)
        if max(likeness, others) >= self.settings.unlike:
            return None
        return Candidate(prototype, parts, likeness, vector)

    def _prototype(self, retired: Prototype, row: int, window_s: tuple[float, float]) -> Prototype:
        ecg = self.pool.table.iloc[row]
        return replace(
            retired,
            record=ecg["record"],
            window_s=window_s,
            statements=ecg["codes"],
            patient=ecg["patient"],
            age=None if np.isnan(ecg["age"]) else int(ecg["age"]),
            sex=ecg["sex"],
            sha256=self.pool.ecgs.sha256[row].tobytes().hex(),
            likelihood=ecg["likelihoods"].get(retired.statement),
            validated=None if ecg["validated"] is None else bool(ecg["validated"]),
            noise=ecg["noise"],
            report=ecg["report"],
            relaxed=choice.broken(ecg, retired.statement),
        )


def suspects(bundle: Bundle, pool: Pool, seen: Tensor) -> np.ndarray:
    """Whether each label may be wrong: (n, c) bool.

    By cross-fitting on the similarities (n, p) that the index gives, see `approximate`.
    """
    labels = torch.from_numpy(pool.labels)
    patients = pool.table["patient"].to_numpy()
    return audit.suspects(audit.cross_fitted(bundle.network, seen, labels, patients), pool.labels)


@torch.no_grad()
def embedded(branch: Branch, x: np.ndarray, cell: int) -> Tensor:
    """Return the latent (latent,) of a cell of one model input (12, 1000)."""
    return latents(branch, crop(branch, x[None], [Source(0, cell)]))[0]


def _cosine(one: Tensor, other: Tensor) -> float:
    return float(normalize(one, dim=0) @ normalize(other, dim=0))


def _directions(ecgs: TrainingECGs, branch: str, rows: np.ndarray) -> np.ndarray:
    """Latents of all windows that the index keeps of some ECGs: (rows * kept, latent)."""
    stored = ecgs.latents[branch][rows].astype(np.float32)
    return stored.reshape(-1, stored.shape[2]) @ ecgs.bases[branch].T
