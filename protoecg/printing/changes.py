"""What changed since an earlier ECG, as a printed page tells it."""

from __future__ import annotations

from reportlab.platypus import Flowable

from protoecg import wording
from protoecg.evidence.change import (
    CHANGED,
    DEGREES,
    Comparison,
    FindingChange,
    MeasurementChange,
    of_kind,
)
from protoecg.printing.text import WARNING, paragraph
from protoecg.summary import in_words
from protoecg.taken import Taken

ORDER_AS_GIVEN = "Which ECG is the earlier is as it was given."
NOTHING = "Nothing changed by more than two ECGs of one patient differ by themselves."


def change_flow(since: Comparison, taken: Taken) -> list[Flowable]:
    """Return what changed by more than noise, the largest change first.

    Parameters
    ----------
    taken : when the earlier ECG was taken, and of whom, where that is printed
    """
    then = since.then
    measured = [_measured(change) for change in since.measurements if change.beyond_noise]
    found = [_found(change) for kind in CHANGED for change in of_kind(since.findings, kind)]
    earlier = ", ".join(_then(change) for change in since.measurements)
    source = ", ".join(filter(None, (then.source, taken.words))) or "which has no name"
    warned = [*([then.abstains] if then.abstains else []), *then.quality]
    return [
        paragraph(f"Since the earlier ECG, {source}", bold=True, above=1.5),
        *(paragraph(f"Earlier ECG: {sentence}", colour=WARNING) for sentence in warned),
        *map(paragraph, [*measured, *found] or [NOTHING]),
        paragraph(f"Earlier: {earlier}. {ORDER_AS_GIVEN}", letters=2.0),
    ]


def _then(change: MeasurementChange) -> str:
    if change.then is None:
        return f"{change.name} unsure"
    return f"{change.name} {_number(change.then)}{_unit(change)}"


def _number(value: int | None) -> str:
    return wording.true_minus(f"{value}")


def _unit(change: MeasurementChange) -> str:
    return DEGREES if change.unit == DEGREES else f" {change.unit}"


def _measured(change: MeasurementChange) -> str:
    by = "" if change.difference is None else f" ({wording.signed(change.difference, 0)})"
    return f"{change.name} {_number(change.then)} to {_number(change.now)}{_unit(change)}{by}"


def _found(change: FindingChange) -> str:
    probabilities = " to ".join(
        wording.probability(finding.probability) for finding in (change.then, change.now)
    )
    return f"{change.kind.capitalize()}: {in_words(change.now)}, {probabilities}"
