"""The questions that a reviewer is asked, and the answers that each takes.

Accuracy, representativeness and clarity are asked in the words published for ProtoECGNet
(arXiv 2504.08713); the words for the five points of each scale and all other questions are ours.
`QUESTIONS` are those on a prototype outside of any study, `STUDY_QUESTIONS` those of the items of
studies, where a scale can also be answered with "cannot judge". Change a question or an anchor
only together with `CODEBOOK_VERSION`, which is stored with every answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

CODEBOOK_VERSION = "3"
TEXT_LENGTH = 4000
CANNOT_JUDGE = "cannot_judge"
BETWEEN = "; "


@dataclass(frozen=True)
class Question:
    """One question about a prototype.

    Parameters
    ----------
    key : its name in the database and in the exports
    text : the question as the reviewer reads it
    options : the answers that it takes; none for a free text of up to `TEXT_LENGTH` characters
    anchors : words for the first of `options`, where these are points of a scale
    several : whether it takes several codes, put together by `BETWEEN`
    statement : whether it takes the code of a statement
    """

    key: str
    text: str
    options: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    several: bool = False
    statement: bool = False

    @property
    def points(self) -> tuple[str, ...]:
        """The points of its scale: the options that have an anchor."""
        return self.options[: len(self.anchors)]


_QUESTIONS = (
    Question(
        "accurate",
        "Does this prototype portray the diagnostic class correctly?",
        ("yes", "no"),
    ),
    Question(
        "alternative",
        "If not: which statement does it portray? Name a statement, or describe what you see.",
    ),
    Question(
        "representativeness",
        "To what extent does the prototype reflect a typical / defining presentation of the "
        "target diagnostic class?",
        ("1", "2", "3", "4", "5"),
        (
            "Not at all: nobody would show it as an example",
            "Slightly: most of its hallmarks are missing",
            "Moderately: recognisable, but atypical or incomplete",
            "Largely: typical, with small deviations",
            "Completely: a textbook example",
        ),
    ),
    Question(
        "clarity",
        "Is the signal in the prototype interpretable and clear, or does it contain a lot of "
        "noise / artifacts?",
        ("1", "2", "3", "4", "5"),
        (
            "Uninterpretable: noise or artifacts hide the signal",
            "Poor: the important parts are hard to make out",
            "Fair: readable in spite of clear noise or artifacts",
            "Good: slight noise that does not hinder reading",
            "Excellent: clean in all leads that matter",
        ),
    ),
    Question("comment", "Comment"),
    Question("best", "Best prototype of its statement", ("yes",)),
    Question("bad", "Bad prototype: should not be used", ("yes",)),
)
QUESTIONS = {question.key: question for question in _QUESTIONS}
SCALES = tuple(question.key for question in _QUESTIONS if question.anchors)
REQUIRED = ("accurate", *SCALES)

RANKS = ("first", "second", "third")
# Of 100 such answers, how many the words of a confidence call right.
PROBABILITIES = {"1": 0.1, "2": 0.3, "3": 0.5, "4": 0.7, "5": 0.9}


def _differential() -> Iterator[Question]:
    """Yield what is asked of an ECG to read: up to three findings in order, each with how sure."""
    for rank in RANKS:
        most = "the finding that matters most" if rank == "first" else "what else it may be"
        yield Question(f"{rank}_choice", f"Your {rank} choice: {most}.", statement=True)
        yield Question(
            f"{rank}_confidence",
            f"How likely is it that this ECG shows your {rank} choice?",
            tuple(PROBABILITIES),
            (
                "Very unlikely: in about 10 of 100 such cases",
                "Rather unlikely: in about 30 of 100",
                "As likely as not: in about 50 of 100",
                "Rather likely: in about 70 of 100",
                "Very likely: in about 90 of 100",
            ),
        )


_JUDGED = ("yes", "no", CANNOT_JUDGE)
_FIVE = ("1", "2", "3", "4", "5", CANNOT_JUDGE)
_STUDY_QUESTIONS = (
    replace(QUESTIONS["accurate"], options=_JUDGED),
    QUESTIONS["alternative"],
    replace(QUESTIONS["representativeness"], options=_FIVE),
    replace(QUESTIONS["clarity"], options=_FIVE),
    Question(
        "portrays",
        "Which statement does this ECG portray? Name a statement, or describe what you see.",
    ),
    Question(
        "like",
        "Is the patient's window like the prototype?",
        _FIVE,
        (
            "Not at all: nothing in common that matters",
            "Slightly: a feature in common, most differ",
            "Moderately: alike in some features that matter",
            "Largely: alike in most features that matter",
            "Completely: alike in all features that matter",
        ),
    ),
    Question(
        "supports",
        "Does this comparison support the finding in the patient's ECG?",
        _FIVE,
        (
            "Speaks against the finding",
            "Does not support it",
            "Supports it weakly",
            "Supports it",
            "Supports it strongly",
        ),
    ),
    Question(
        "place",
        "Is the highlighted place the right one to look for the finding?",
        _FIVE,
        (
            "Wrong: the finding shows elsewhere",
            "Mostly wrong: it touches the right place",
            "Partly right: about half of it",
            "Mostly right: it misses or adds a little",
            "Exactly right",
        ),
    ),
    Question("left_acceptable", "Is the left explanation acceptable?", _JUDGED),
    Question("right_acceptable", "Is the right explanation acceptable?", _JUDGED),
    Question(
        "better",
        "Which explanation is better?",
        _FIVE,
        (
            "The left one, clearly",
            "The left one, slightly",
            "No difference",
            "The right one, slightly",
            "The right one, clearly",
        ),
    ),
    Question("diagnosis", "What is your diagnosis? Name all statements.", several=True),
    Question(
        "confidence",
        "How sure are you of the leading statement?",
        _FIVE[:5],
        (
            "A guess: right in about 10 of 100 such cases",
            "Unsure: right in about 30 of 100",
            "Undecided: right in about 50 of 100",
            "Fairly sure: right in about 70 of 100",
            "Sure: right in about 90 of 100",
        ),
    ),
    *_differential(),
    Question("best_prototype", "Which prototype of this statement is the best?"),
    Question("bad_prototypes", "Which of them are bad and should not be used?", several=True),
    Question("redundant_prototypes", "Which of them add nothing to the others?", several=True),
    QUESTIONS["comment"],
    Question("flag", "Something is wrong with this item: have somebody look at it", ("yes",)),
    Question("skip", "Skip this item", ("yes",)),
)
STUDY_QUESTIONS = {question.key: question for question in _STUDY_QUESTIONS}
STUDY_SCALES = tuple(question.key for question in _STUDY_QUESTIONS if question.anchors)
# What may be answered about items of every kind.
ALWAYS = ("comment", "flag", "skip")


@dataclass(frozen=True)
class Kind:
    """One kind of item in a study.

    Parameters
    ----------
    words : what it is, for the reviewer
    required : keys of the questions that have to be answered
    optional : keys of those that may be
    unseen : keys of those asked, and required, while the statement is hidden
    stages : how often the item is rated, whatever the study's design
    repeated : whether repeats of it tell how far a reviewer agrees with themselves
    """

    words: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    stages: int = 1
    repeated: bool = True


# In the order in which a reviewer meets them: nobody should have seen the explanations of the
# later kinds when reading without any.
KINDS = {
    # As studies before codebook 3 have them: without, then at once with the explanation.
    "reading": Kind("an ECG to read", ("diagnosis", "confidence"), stages=2, repeated=False),
    "differential": Kind(
        "an ECG to read",
        ("first_choice", "first_confidence"),
        tuple(f"{rank}_{asked}" for rank in RANKS[1:] for asked in ("choice", "confidence")),
        repeated=False,
    ),
    "prototype": Kind(
        "a prototype",
        ("accurate", "representativeness", "clarity"),
        ("alternative",),
        unseen=("portrays", "clarity"),
    ),
    "match": Kind(
        "a patient's window beside a prototype", ("like", "supports", "place"), (), ("like",)
    ),
    "pair": Kind("two explanations of a case", ("left_acceptable", "right_acceptable", "better")),
    "statement": Kind(
        "the prototypes of a statement",
        ("best_prototype",),
        ("bad_prototypes", "redundant_prototypes"),
        repeated=False,
    ),
}
