"""The protocol of a study: its settled design in words, with a digest that proves it afterwards."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from typing import Protocol as Interface

from review_db.questions.catalogue import CODEBOOK_VERSION, KINDS
from review_db.studies.design import Design
from review_db.studies.design.declared import Allocation
from review_db.studies.design.settings import DesignError
from review_db.studies.items import StudyItem

_OUTCOMES = {
    "correct": "share of readings whose first choice is true",
    "auc": "area under the ROC curve of the probability given to the case's finding",
    "brier": "squared error of the confidence in the first choice",
    "sensitivity": "share of cases with the finding in which it is given a half or more",
    "specificity": "share of cases without the finding in which it is given less than a half",
    "seconds": "seconds of work on a reading; pauses of more than a minute are not counted",
    "preference": "which of two explanations is better, -2 to 2",
    "agreement": "agreement of reviewers (Krippendorff's alpha, ordinal)",
}

# Whether a case has the finding that it is about, of the cases that an outcome needs.
_NEEDED: dict[str, set[bool]] = {
    "auc": {True, False},
    "sensitivity": {True},
    "specificity": {False},
}


class Planned(Interface):
    """What a protocol is of: a study as it is stored."""

    @property
    def design(self) -> Design:
        """What was decided."""

    @property
    def bundle(self) -> str:
        """The bundle that is judged."""

    @property
    def fingerprint(self) -> str:
        """The version of its prototypes."""


def protocol_file(info: Planned, items: Sequence[StudyItem]) -> str:
    """Return a study's protocol as Markdown; the same study always gives the same text."""
    design = info.design
    settings = json.dumps(_settings(design), indent=2, sort_keys=True, ensure_ascii=False)
    return f"""# Protocol of the study {design.name}

Model: {info.bundle}, version {info.fingerprint}. Questions: codebook {CODEBOOK_VERSION}.
Reviewers planned: {len(design.reviewers)}.

## What is rated

{_rated(items)}

{_dealt(design)}{_readings(design)}
## Outcomes

{_outcomes(design)}

## Interim rule

{_interim(design)}

## All settings

```json
{settings}
```

Items: {_digest_of(items)}
"""


def protocol_digest(info: Planned, items: Sequence[StudyItem]) -> str:
    """Return the SHA-256 of a study's protocol, in hex."""
    return hashlib.sha256(protocol_file(info, items).encode()).hexdigest()


def refuse_undecidable(design: Design, items: Sequence[StudyItem]) -> None:
    """Refuse to declare an outcome of ECGs to read that these cannot have.

    Raises
    ------
    DesignError
        If all cases have the finding that they are about, or none has, and the outcome needs both.
    """
    read = [i for i in items if (i.kind, i.role) == ("differential", "rated")]
    has = {item.statement in item.truth for item in read}
    for outcome in filter(None, (design.protocol.primary, *design.protocol.secondary)):
        if read and (missing := _NEEDED.get(outcome, set()) - has):
            lacking = "with" if True in missing else "without"
            raise DesignError(
                f"The outcome {outcome} needs cases {lacking} the finding that they are about, and "
                "there is none. Draw some (`python -m training cases --readings N --specificity "
                "M`), or declare another outcome."
            )


def _settings(design: Design) -> dict[str, Any]:
    """Return a design's settings as protocols have held them since the first.

    What came later is left out where it is not used: a study's digest stays what its trail holds.
    """
    settings = asdict(design)
    if design.allocation == Allocation():
        del settings["allocation"]
    if not design.protocol.looks:
        del settings["protocol"]["looks"]
    return settings


def _dealt(design: Design) -> str:
    dealt = design.allocation
    if not dealt.reviewers_each:
        return ""
    return (
        f"Of the rated items of each kind all reviewers meet {100 * dealt.anchor:g} %, an anchor "
        f"of all statements; each of the others is met by {dealt.reviewers_each}, by turns. "
        "Practice and controls are met by all.\n\n"
    )


def _rated(items: Sequence[StudyItem]) -> str:
    counted = Counter((KINDS[item.kind].words, item.kind, item.role) for item in items)
    return "\n".join(
        f"- {number} × {words} ({kind}), {role.replace('_', ' ')}"
        for (words, kind, role), number in sorted(counted.items())
    )


def _readings(design: Design) -> str:
    readings = design.readings
    return (
        f"ECGs to read are met in each of the arms {', '.join(readings.arms)} once, in sessions "
        f"at least {readings.washout_days} days apart, balanced by a Latin square.\n"
    )


def _outcomes(design: Design) -> str:
    declared = design.protocol
    if declared.primary is None:
        return "None was declared: the study describes, and whatever is tested is exploratory."
    rule = (
        "Holm's method over all that is declared here"
        if declared.multiplicity == "holm"
        else "no correction for more than one test"
    )
    lines = [f"- primary: {declared.primary} ({_OUTCOMES[declared.primary]})"]
    lines += [f"- secondary: {name} ({_OUTCOMES[name]})" for name in declared.secondary]
    lines += [
        f"\nOf ECGs to read, the arms {' and '.join(declared.compare)} are compared, readers and "
        f"cases random (Obuchowski-Rockette-Hillis). Two-sided, alpha {declared.alpha:g}, {rule}."
    ]
    return "\n".join(lines)


def _interim(design: Design) -> str:
    declared = design.protocol
    rule = declared.interim or "None was declared."
    if not declared.looks:
        return rule
    lines = [f"- look {n}: {look.words}" for n, look in enumerate(declared.looks, start=1)]
    end = f"- at the end: what they leave, alpha {declared.final_alpha:g}"
    return "\n".join([f"{rule}\n", *lines, end])


def _digest_of(items: Sequence[StudyItem]) -> str:
    stored = json.dumps([item.stored() for item in items], sort_keys=True)
    return hashlib.sha256(stored.encode()).hexdigest()
