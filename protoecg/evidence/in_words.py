"""What a finding adds up to, in plain words; the exact sum stands in the finding itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from protoecg.evidence.change import FindingChange
from protoecg.explanation import Finding, Measured
from protoecg.labels import LabelSet
from protoecg.wording import true_minus

# From this similarity on, two windows are said to resemble each other closely.
ALIKE = 0.5
# In logits: what adds less is not worth a word. So many of each side are named.
NOTABLE, MOST_NAMED = 0.2, 3


def adds_up(finding: Finding, labels: LabelSet) -> str:
    """Say which cases an ECG resembles, and what else speaks for a finding and against it."""
    return " ".join(filter(None, (_resembles(finding), *_speaks(finding, labels))))


def change_adds_up(change: FindingChange, labels: LabelSet) -> str:
    """Say what speaks more, or less, for a finding than in the earlier ECG."""
    amounts: dict[str, float] = {}
    for match in change.matches:
        likeness = _likeness(match.prototype.statement, change.now, labels)
        amounts[likeness] = amounts.get(likeness, 0.0) + match.amount
    amounts |= _measured_changes(change)
    than_then = "for it than in the earlier ECG"
    return " ".join(_sides(amounts, f"more {than_then}", f"less {than_then}"))


def _measured_changes(change: FindingChange) -> dict[str, float]:
    """Return by how much each measurement speaks more for a finding, by its words."""
    then, now = ({one.name: one for one in f.measured} for f in (change.then, change.now))
    amounts = {}
    for name in {**then, **now}:
        was, has = then.get(name), now.get(name)
        text = f"{name}, unsure now," if has is None else measured_in_words(has)
        amounts[text] = (has.contribution if has else 0.0) - (was.contribution if was else 0.0)
    return amounts


def measured_in_words(measured: Measured) -> str:
    """Put a measurement in words, such as "QRS duration 96 ms"."""
    digits = 2 if measured.unit == "mV" else 0
    unit = "°" if measured.unit == "degrees" else f" {measured.unit}"
    return true_minus(f"{measured.name} {measured.value:.{digits}f}{unit}")


def _resembles(finding: Finding) -> str:
    own = [match for match in finding.matches if match.prototype.statement == finding.code]
    if not own:
        return ""
    alike = sum(match.similarity >= ALIKE for match in own)
    cases = f"the {len(own)} cases of {finding.statement.description} that the model knows"
    return f"Closely resembles {alike or 'none'} of {cases}."


def _speaks(finding: Finding, labels: LabelSet) -> list[str]:
    others: dict[str, float] = {}
    for match in finding.speaking:
        other = match.prototype.statement
        if other != finding.code:
            likeness = _likeness(other, finding, labels)
            others[likeness] = others.get(likeness, 0.0) + match.contribution
    amounts = {measured_in_words(one): one.contribution for one in finding.measured} | others
    return _sides(amounts, "for it", "against it")


def _sides(amounts: Mapping[str, float], above: str, below: str) -> list[str]:
    """Say in a sentence each what adds most, and what takes most away; nothing of small ones."""
    ranked = sorted(amounts, key=lambda text: -abs(amounts[text]))
    adds = [text for text in ranked if amounts[text] >= NOTABLE][:MOST_NAMED]
    takes = [text for text in ranked if amounts[text] <= -NOTABLE][:MOST_NAMED]
    return [
        f"{_listed(text)} {'speaks' if len(text) == 1 else 'speak'} {side}."
        for text, side in ((adds, above), (takes, below))
        if text
    ]


def _likeness(statement: str, finding: Finding, labels: LabelSet) -> str:
    if statement == finding.code:
        return "likeness to its own cases"
    return f"likeness to {labels[statement].description}"


def _listed(texts: Sequence[str]) -> str:
    *most, last = map(_within, texts)
    listed = f"{', '.join(most)} and {last}" if most else last
    return listed[:1].upper() + listed[1:]


def _within(text: str) -> str:
    """Begin with a small letter, as within a sentence, what begins with a word: "QRS" stays."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
