"""What takes the place of each prototype that is retired: decided before anything is fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from protoecg.bundle import Bundle
from protoecg.prototypes.curation import (
    CurationError,
    Proposal,
    Proposals,
    Rule,
    curations,
)
from protoecg.prototypes.prototype import Prototype
from training.curate.candidates import Candidate, Chooser, Found, suspects
from training.curate.pool import Pool, pool
from training.curate.rejected import rejected
from training.curate.reporter import EVERY_S, Reporter
from training.curate.similarity import approximate


@dataclass(frozen=True, eq=False)
class Swap:
    """A prototype that is retired, and what takes its place, under its own name; or nothing."""

    proposal: Proposal
    retired: Prototype
    candidate: Candidate | None
    new: Prototype | None

    @property
    def line(self) -> str:
        """The decision in one line."""
        why = f"{self.retired.name}: retired, {self.proposal.why}"
        if self.new is None or self.candidate is None:
            return f"{why}; nothing takes its place"
        start_s = self.new.window_s[0]
        return (
            f"{why}; replaced by {self.new.name} ({self.new.record} from {start_s:.2f} s, likeness "
            f"{self.candidate.likeness:.2f})"
        )


def swaps(
    bundle: Bundle,
    known: Pool,
    proposals: Proposals,
    rule: Rule,
    suspect: np.ndarray,
    reporter: Reporter,
) -> list[Swap]:
    """Choose what takes the place of each prototype that is proposed to be retired.

    Raises
    ------
    CurationError
        If the rule names a window that is no candidate, or the ECGs of candidates cannot be had.
    """
    by_name = {prototype.name: prototype for prototype in bundle.prototypes}
    unwanted = rejected(bundle, known, proposals)
    chooser = Chooser(bundle, known, suspect, unwanted, rule.candidates)
    found: list[Swap] = []
    following = reporter.follow(
        proposals.retired, desc="candidates", unit="prototype", mininterval=EVERY_S
    )
    for proposal in following:
        retired = by_name[proposal.prototype]
        taken = [s.new.patient for s in found if s.new and s.new.statement == retired.statement]
        candidate = _chosen(chooser, retired, rule, taken) if rule.replace else None
        name = _next(bundle, retired, found)
        new = replace(candidate.prototype, name=name) if candidate else None
        found.append(Swap(proposal, retired, candidate, new))
    return found


def dry(
    bundle: Bundle,
    root: Path | None,
    proposals: Proposals,
    rule: Rule,
    *,
    say: Callable[[str], None],
) -> None:
    """Say what a curation would do: each decision, and the candidates there are."""
    known = pool(bundle, root)
    suspect = np.zeros(known.labels.shape, bool)
    if proposals.retired:
        suspect = suspects(bundle, known, approximate(bundle.network, known.ecgs))
    unwanted = rejected(bundle, known, proposals)
    chooser = Chooser(bundle, known, suspect, unwanted, rule.candidates)
    by_name = {prototype.name: prototype for prototype in bundle.prototypes}
    say(f"{len(proposals.retired)} of {len(bundle.prototypes)} prototypes would be retired")
    for proposal in proposals.retired:
        say(f"{proposal.prototype}: {proposal.why}{_and(proposal.disagreement)}")
        if not rule.replace:
            continue
        found = chooser.candidates(by_name[proposal.prototype])
        for one in found.candidates:
            say(
                f"  {one.prototype.record} {one.prototype.window_s[0]:.2f}  parts "
                f"{one.parts:.2f}, likeness {one.likeness:.2f}{_relaxed(one.prototype)}"
            )
        if found.words:
            say(f"  {found.words}")


def _and(disagreement: str) -> str:
    return f"; {disagreement}" if disagreement else ""


def _relaxed(prototype: Prototype) -> str:
    return f"; in spite of {', '.join(prototype.relaxed)}" if prototype.relaxed else ""


def _chosen(
    chooser: Chooser, retired: Prototype, rule: Rule, taken: Sequence[str]
) -> Candidate | None:
    if retired.name not in rule.chosen:
        found = chooser.candidates(retired, taken, most=1)
        if not found.candidates and found.lacking:
            raise CurationError(
                f"Nothing can take the place of {retired.name}: {found.words} Keep it, or retire "
                "it without another by the rule's `chosen`."
            )
        return next(iter(found.candidates), None)
    if not rule.chosen[retired.name]:
        return None
    record, _, start = rule.chosen[retired.name].rpartition(" ")
    try:
        found = chooser.named(retired, record, float(start))
    except ValueError:
        found = Found([], {})
    if found.lacking:
        raise CurationError(f"{retired.name} cannot be replaced: {found.words}")
    if not found.candidates:
        raise CurationError(
            f"{rule.chosen[retired.name]!r} can't take the place of {retired.name}: expected a "
            'record and the start of a window of it, such as "records100/00000/00001_lr 1.20", '
            "that `--dry-run` proposes."
        )
    return found.candidates[0]


def _next(bundle: Bundle, retired: Prototype, found: Sequence[Swap]) -> str:
    """Return a name that no prototype of the statement has, or had."""
    stem = f"{retired.branch}-{retired.statement}-"
    had = [c.retired for curation in curations(bundle.about) for c in curation.changes]
    used = [p.name for p in bundle.prototypes] + had + [s.new.name for s in found if s.new]
    numbers = [name.removeprefix(stem) for name in used if name.startswith(stem)]
    return f"{stem}{max((int(n) for n in numbers if n.isdigit()), default=0) + 1}"
