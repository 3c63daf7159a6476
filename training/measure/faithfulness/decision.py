"""Whether the explanation is the decision, and how short it is."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from protoecg.explain import explain
from training.measure.faithfulness.fold import Fold, Results, called, contributions, sample
from training.metrics import matches_needed

# Matches that are built while explaining; a bundle with dense fusion has many in each ECG.
MOST_MATCHES = 10_000_000
FEW = 5


def completeness(fold: Fold) -> Results:
    """How far contributions and bias are from the logit that they should add up to.

    Every ECG is explained as a user would see it, and for each statement the sum of all
    contributions and the bias is compared with the network's own logit: the largest absolute
    difference, in logits. Of a branch that reads lead by lead, also each match's similarity with
    the sum of its leads' parts.

    Notes
    -----
    Completeness of an additive explanation: Sundararajan et al., ICML 2017, axiom of that name;
    Nauta et al., ACM Computing Surveys 55 (2023) 295, output-completeness.
    """
    bundle = fold.bundle
    per_ecg = max(int((bundle.network.fusion.weight != 0).sum()), 1)
    rows = sample(range(len(fold.ecgs)), max(MOST_MATCHES // per_ecg, 1))
    apart: dict[str, float] = dict.fromkeys(bundle.network.branches, 0.0)
    leads = {name: 0.0 for name, branch in bundle.network.branches.items() if branch.splits_by_lead}
    for row in tqdm(rows, desc="explaining", unit="ECG", mininterval=2):
        logits = dict(zip(bundle.statements, fold.seen.logits[row].tolist(), strict=True))
        for finding in explain(fold.ecgs[row], bundle).findings:
            total = finding.bias + sum(match.contribution for match in finding.matches)
            total += sum(measured.contribution for measured in finding.measured)
            if finding.branch in apart:
                off = abs(total - logits[finding.code])
                apart[finding.branch] = max(apart[finding.branch], off)
            for match in finding.matches:
                if match.lead_parts:
                    off = abs(sum(match.lead_parts) - match.similarity)
                    leads[match.prototype.branch] = max(leads[match.prototype.branch], off)
    return {
        name: {
            "largest_difference": off,
            "largest_difference_of_leads": leads.get(name),
            "ecgs": len(rows),
        }
        for name, off in apart.items()
    }


def compactness(fold: Fold) -> Results:
    """How many matches carry 90 % of the positive evidence for a finding.

    Of each statement called present: its positive contributions, largest first, until they make
    up 90 % of their sum.

    Notes
    -----
    Size of an explanation: Nauta et al., ACM Computing Surveys 55 (2023) 295, compactness.
    """
    counts: dict[str, list[int]] = {name: [] for name in fold.bundle.network.branches}
    present = called(fold.bundle, fold.seen)
    for column, code in enumerate(fold.bundle.statements):
        rows = np.flatnonzero(present[:, column])
        branch = fold.bundle.labels[code].branch
        if len(rows) and branch in counts:
            parts = contributions(fold.bundle, fold.seen, rows, column)
            counts[branch] += matches_needed(parts).tolist()
    return {name: _spread([c for c in of if c]) for name, of in counts.items()}


def _spread(counts: list[int]) -> dict[str, float | int | None]:
    if not counts:
        return {"findings": 0, "median": None, "p90": None, "five_or_fewer": None}
    return {
        "findings": len(counts),
        "median": float(np.median(counts)),
        "p90": float(np.percentile(counts, 90)),
        "five_or_fewer": float(np.mean(np.array(counts) <= FEW)),
    }
