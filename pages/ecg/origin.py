"""What is known of a prototype, or of any training ECG that stands beside one, as Markdown."""

from __future__ import annotations

from pages.shell import words
from protoecg import wording
from protoecg.labels import LabelSet
from protoecg.prototypes.prototype import Prototype, SourceECG


def provenance(prototype: Prototype) -> str:
    """Say where a prototype comes from, as Markdown."""
    return (
        f"Record {words.plain(prototype.record)} · {wording.window(prototype.window_s)} · "
        f"{words.plain(words.patient(prototype))}"
    )


def belief(prototype: Prototype) -> str:
    """Say what is known of the label of a prototype's source ECG; nothing in older bundles."""
    known = " · ".join(_known(prototype))
    return f"Its label: {known}" if known else ""


def _known(prototype: Prototype) -> list[str]:
    relaxed = " and ".join(prototype.relaxed)
    validated = {True: "validated by a human", False: "not validated by a human", None: ""}
    facts = [
        validated[prototype.validated],
        f"likelihood {prototype.likelihood:g} %" if prototype.likelihood is not None else "",
        *map(words.plain, prototype.noise),
        f"report: “{words.plain(prototype.readable_report)}”" if prototype.report else "",
        f"chosen in spite of {words.plain(relaxed)}" if relaxed else "",
    ]
    return [one for one in facts if one]


def case_facts(source: SourceECG, labels: LabelSet) -> list[str]:
    """Say line by line what a case is labelled with, and how sure that is, as Markdown."""
    carried = ", ".join(map(labels.named, source.statements)) or "nothing"
    known = _known(source) if isinstance(source, Prototype) else []
    return [f"Labelled {carried}", *map(words.capitalised, known)]


def other_statements(prototype: Prototype, labels: LabelSet) -> str:
    """Say what else stands in a prototype's source ECG."""
    if not prototype.statements:
        return "What else is in its ECG is not known"
    others = [labels.named(c) for c in prototype.statements if c != prototype.statement]
    return f"Also in its ECG: {', '.join(others) or 'nothing else'}"
