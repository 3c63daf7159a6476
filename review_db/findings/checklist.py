"""What reporting guidelines ask of a study, answered as far as its design and data can.

After GRRAS (J. Kottner et al., Journal of Clinical Epidemiology 64, 2011), STARD 2015 (P. M.
Bossuyt et al., BMJ 351, 2015), and what regulators ask of studies of many readers and cases; what
is asked stands here in words of our own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from review_db.findings.flow import Flow, flow_text
from review_db.questions.catalogue import KINDS
from review_db.studies.lifecycle import StudyInfo

CHECKLIST = ("guideline", "asked", "answer")
AUTHORS = "to be written by the authors"

_ASKED = (
    ("GRRAS", "Title or abstract says that agreement or reliability was studied", ""),
    ("GRRAS", "The model or instrument that is judged", "bundle"),
    ("GRRAS", "The items of interest, and how they were chosen", "items"),
    ("GRRAS", "The reviewers of interest: profession, experience, training", "profiles"),
    ("GRRAS", "What is known of agreement so far, and why it is studied", ""),
    ("GRRAS", "How the number of reviewers and items was decided", ""),
    ("GRRAS", "How items were drawn and assigned", "order"),
    ("GRRAS", "How items were rated, and what reviewers knew", "blinding"),
    ("GRRAS", "Whether ratings were independent", "independent"),
    ("GRRAS", "The statistics", "methods"),
    ("GRRAS", "How many reviewers and items there were in the end", "flow"),
    ("GRRAS", "Estimates with their uncertainty", "figures"),
    ("STARD", "What is tested, and the hypotheses", "outcomes"),
    ("STARD", "Whether the study was planned before the data", "planned"),
    ("STARD", "Where cases come from, and who could be included", ""),
    ("STARD", "The reference standard, and who knew it", "truth"),
    ("STARD", "Whether readers knew other results or the history", "blinding"),
    ("STARD", "How missing and undecided readings were handled", "missing"),
    ("STARD", "The flow of cases and readings", "flow"),
    ("STARD", "Estimates of accuracy with their uncertainty", "figures"),
    ("STARD", "Registration, protocol and funding", "protocol"),
    ("MRMC", "Readers and cases taken as samples of which populations", "samples"),
    ("MRMC", "Arms, their order and the washout between sessions", "arms"),
    ("MRMC", "Primary outcome, alpha, and how several tests were handled", "outcomes"),
    ("MRMC", "Interim looks", "interim"),
    ("MRMC", "Figures of each reader", "figures"),
)


def checklist(
    info: StudyInfo, assignments: pd.DataFrame, counted: Flow | None, looked: str = ""
) -> pd.DataFrame:
    """Return what is asked and what the study says to it; columns `CHECKLIST`.

    `counted` is None as long as no answers may be seen; `looked` says which looks were taken before
    the end, see `opening`.
    """
    known = {**_known(info, assignments, counted), "interim": _interim(info, looked)}
    rows = [(guideline, asked, known.get(key, AUTHORS)) for guideline, asked, key in _ASKED]
    return pd.DataFrame(rows, columns=list(CHECKLIST))


def _interim(info: StudyInfo, looked: str) -> str:
    declared = info.design.protocol
    return " ".join([declared.interim, *(f"Look {look.words}." for look in declared.looks), looked])


def _known(info: StudyInfo, assignments: pd.DataFrame, counted: Flow | None) -> Mapping[str, str]:
    design, first = info.design, assignments.drop_duplicates("item")
    rated = Counter(first.loc[first["role"] == "rated", "kind"])
    hidden = [
        name
        for name in ("statement", "similarity", "reviewers", "model")
        if getattr(design.blinding, name)
    ]
    declared, readings = design.protocol, design.readings
    others = ", ".join(declared.secondary) or "none"
    known = {
        "bundle": f"bundle {info.bundle}, version {info.fingerprint}, app {info.app_version}",
        "items": ", ".join(f"{n} × {KINDS[kind].words} ({kind})" for kind, n in rated.items()),
        "profiles": _profiles(info),
        "order": f"an order of its own for each reviewer, settled at the start, seed {design.seed}",
        "blinding": f"hidden: {', '.join(hidden) or 'nothing'}",
        "independent": "yes: each reviewer rated alone"
        + ("" if design.blinding.reviewers else ", and could see others' answers"),
        "methods": "see Methods in README.md",
        "flow": flow_text(counted) if counted else "counted once answers may be seen",
        "figures": "see estimates.csv, for these and for new reviewers",
        "planned": f"yes: settled {info.started_at:%Y-%m-%d %H:%M} UTC, before the first rating"
        if info.started_at
        else "not started",
        "truth": "the labels of the cases' data set, hidden from reviewers (column truth)",
        "missing": '"cannot judge" and skipped items count as missing, and are counted',
        "samples": "readers and cases like these; besides, these readers alone",
        "outcomes": f"primary {declared.primary}, secondary {others}, alpha {declared.alpha:g}, "
        f"multiplicity: {declared.multiplicity}"
        if declared.primary
        else "none declared: exploratory",
        "protocol": "protocol settled before the start, with its SHA-256; registration and funding "
        + AUTHORS,
    }
    if rated["differential"]:
        known["arms"] = (
            f"{', '.join(readings.arms)}, each case once in each, balanced over readers; at least "
            f"{readings.washout_days} days between sessions"
        )
    else:
        known["arms"] = "no readings in arms"
    return known


def _profiles(info: StudyInfo) -> str:
    profiles = [
        ", ".join(filter(None, profile.values())) for profile in info.standing.profiles.values()
    ]
    return "; ".join(filter(None, profiles)) or AUTHORS
