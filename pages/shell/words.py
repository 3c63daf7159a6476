"""Wording that several pages share."""

from __future__ import annotations

import re

from protoecg.prototypes.prototype import SourceECG

SIMILARITY = (
    "How alike the model finds the two: the cosine between their inner descriptions, from -1 "
    "(opposite) over 0 (unrelated) to 1 (the same). Where the models that come with the app "
    "compare whole strips, less than 0 counts as 0."
)
CONTRIBUTION = (
    "Weight times similarity. All contributions and the bias (where the model starts before it "
    "sees the ECG) add up to the logit, which a fixed curve turns into the probability."
)
PROTOTYPE = (
    "An ECG of the training data, or a window of it, that the model compares every ECG with."
)
LEAD_SHARES = (
    "The model reads each lead of the window by itself, so the similarity is a sum over the leads, "
    "with nothing left over. Where both are laid over each other, each lead's share stands at the "
    "end of its tracing; a share below zero counts against the others. A lead may look alike and "
    "have little share: what most ECGs show there counts for little."
)
LEADS = (
    "By how much the similarity changes when this one lead is silent in the matched window. An "
    "approximation: the changes do not add up, and leads that show the same stand in for one "
    "another."
)
BRANCHES = {
    "rhythm": "The rhythm branch compares the whole ten seconds, so the whole strip is marked.",
    "morphology": "The morphology branch compares short windows of all twelve leads.",
    "global": "The global branch compares the whole ten seconds, so the whole strip is marked.",
}

# Of an absolute path all but its last part; not of an address, which has a colon before it.
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/'\"]+/)+")


def capitalised(text: str) -> str:
    """Begin a text with a capital letter; those that it has stay, as in "An ECG to read"."""
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """Keep a text from a file from being read as Markdown, which could bring pictures along."""
    return re.sub(r"([\\`*_{}\[\]()<>#+!|:$~&])", r"\\\1", text)


def of_server(error: Exception) -> str:
    """Return an error's message, plain, without the folders that files of the server lie in."""
    return plain(_FOLDERS.sub("", str(error)))


def patient(source: SourceECG) -> str:
    """Tell age and sex of a source ECG's patient, as far as they are known."""
    # PTB-XL gives 300 for ages of 90 and more.
    age = None if source.age is None else min(source.age, 90)
    years = "age unknown" if age is None else f"{age}{'+' if age == 90 else ''} years"
    return f"{source.sex or 'sex unknown'}, {years}"
