"""A paragraph for the methods section of a paper, from the design as it is stored."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from review_db.findings.flow import Flow, flow_text
from review_db.questions.catalogue import CANNOT_JUDGE, STUDY_QUESTIONS
from review_db.studies.lifecycle import StudyInfo

_ROLES = {
    "wrong_statement": "{} prototype{s} under a statement that their ECG does not carry",
    "random_window": "{} random window{s} of ECGs that carry the statement",
    "noise": "{} prototype{s} with noise added at {snr:g} dB",
}
_KINDS = {
    "prototype": "{} prototype{s}",
    "match": "{} match{es} of a patient's window with a prototype",
    "pair": "{} pair{s} of explanations",
    "reading": "{} ECG{s} to read without and then with the explanation",
    "differential": "{} ECG{s} to read, alone and with what the model says,",
    "statement": "{} summar{ies} of the prototypes of a statement",
}

# What a second look can reveal of each kind.
_SECOND_LOOK = {"prototype": ("statement",), "match": ("statement", "similarity")}


def methods_text(
    info: StudyInfo, assignments: pd.DataFrame, found: Flow, *, unplanned: int = 0
) -> str:
    """Describe how a study was done; `assignments` is its assignment list (`assignments_on`).

    `unplanned` is how often the results were looked at before the end without a declared look.
    """
    first = assignments[assignments["repeat_of"].isna()].drop_duplicates("item")
    sentences = [
        *_items(info, first, found),
        flow_text(found),
        *_order(info, assignments),
        *_hidden(info, set(first["kind"])),
        *_scales(set(first["kind"])),
        "The design, the items and each reviewer's order were fixed and stored before the first "
        "rating, and every answer was kept with its time, its former value and the time spent.",
        *_statistics(info, set(first["kind"])),
        *_looks(info, unplanned),
    ]
    return " ".join(sentences)


def _items(info: StudyInfo, first: pd.DataFrame, found: Flow) -> list[str]:
    design = info.design
    rated = Counter(first.loc[first["role"] == "rated", "kind"])
    kinds = [_counted(words, rated[kind]) for kind, words in _KINDS.items() if rated[kind]]
    sentences = [
        f"{_number(found.began, 'reviewer')} took part in a study of {_listed(kinds)} of the model "
        f"bundle {info.bundle} (version {info.fingerprint})."
    ]
    if rated["prototype"]:
        sentences.append(_sampling(info, rated["prototype"]))
    roles = Counter(first["role"])
    controls = [
        _counted(words, roles[role], snr=design.controls.noise_snr_db)
        for role, words in _ROLES.items()
        if roles[role]
    ]
    if controls:
        sentences.append(f"As controls, not marked as such, it held {_listed(controls)}.")
    return sentences


def _sampling(info: StudyInfo, rated: int) -> str:
    sample = info.design.sample
    named = [
        f"of the {one if len(chosen) == 1 else several} {_listed(list(chosen))}"
        for one, several, chosen in (
            ("branch", "branches", sample.branches),
            ("statement", "statements", sample.statements),
        )
        if chosen
    ]
    whose = f" {' and '.join(named)}" if named else ""
    if not sample.size:
        return f"All {rated} prototypes{whose} were rated."
    how = "" if sample.stratify == "none" else f", stratified by {sample.stratify}"
    drawn = "The prototype was" if rated == 1 else f"The {rated} prototypes were"
    return f"{drawn} drawn at random{whose}{how} (seed {info.design.seed})."


def _order(info: StudyInfo, assignments: pd.DataFrame) -> list[str]:
    design = info.design
    one = assignments[assignments["reviewer"] == design.reviewers[0]]
    practice, again = int((one["role"] == "practice").sum()), int(one["repeat_of"].notna().sum())
    sentences = [
        "Each reviewer met the items in an order of their own, shuffled within each kind of item "
        f"from a stored seed ({design.seed})."
    ]
    if each := design.allocation.reviewers_each:
        share = 100 * design.allocation.anchor
        sentences.append(
            f"Of the rated items of each kind {share:g} % were met by all reviewers, each of the "
            f"others by {each} of them by turns, evenly over items and pairs of reviewers; all "
            "ratings count, with those that were not assigned taken as missing."
        )
    if practice:
        sentences.append(f"{_number(practice, 'practice item')} came first and did not count.")
    if again:
        sentences.append(
            f"{_number(again, 'item')} ({100 * again / len(one):.0f} % of all) came a second time, "
            "with at least a third of the items of that kind in between, for the reliability "
            "within reviewers."
        )
    if (one["kind"] == "pair").any():
        sentences.append(
            "Which explanation stood on the left was balanced over the pairs and changed in "
            "repeats."
        )
    return sentences


def _hidden(info: StudyInfo, kinds: set[str]) -> list[str]:
    blinding = info.design.blinding
    words = {
        "statement": "the statement",
        "similarity": "the similarity",
        "reviewers": "the answers of other reviewers",
        "model": "the name of the model",
    }
    if "match" not in kinds:
        # Nothing else has a similarity.
        del words["similarity"]
    hidden = [text for name, text in words.items() if getattr(blinding, name)]
    shown = [text for name, text in words.items() if not getattr(blinding, name)]
    sentences = [f"Hidden from the reviewers: {_listed(hidden)}."] if hidden else []
    sentences += [f"Shown to them: {_listed(shown)}."] if shown else []
    if info.design.two_stages:
        for kind in (kind for kind in _SECOND_LOOK if kind in kinds):
            revealed = [words[name] for name in _SECOND_LOOK[kind] if getattr(blinding, name)]
            between = "with nothing told in between"
            if revealed:
                between = f"before and after being told {_listed(revealed)}"
            sentences.append(
                f"Each {kind} was rated twice in a row, {between}; the first rating could not be "
                "changed afterwards."
            )
    return sentences


def _scales(kinds: set[str]) -> list[str]:
    if not kinds & {"prototype", "match"}:
        return []
    asked = STUDY_QUESTIONS["clarity"]
    return [
        f"Ratings were given on scales of {len(asked.points)} anchored points or as "
        f'"{CANNOT_JUDGE.replace("_", " ")}", which counts as missing; no answer was preselected.'
    ]


def _statistics(info: StudyInfo, kinds: set[str]) -> list[str]:
    sentences = []
    if kinds & {"prototype", "match"}:
        sentences.append(_ratings())
    if kinds & {"pair", "reading", "differential"}:
        sentences.append(
            "Preferences and readings were compared by the method of Obuchowski, Rockette and "
            "Hillis, with jackknife covariances, readers and cases being samples; intervals for "
            "these readers take the cases alone as a sample. Of each reader those cases count that "
            "the reader judged in every arm."
        )
    declared = info.design.protocol
    if declared.primary:
        rule = "by Holm's method" if declared.multiplicity == "holm" else "not"
        sentences.append(
            f"The primary outcome was declared before the start ({declared.primary}); p values of "
            f"what was declared were corrected for their number {rule}, at alpha "
            f"{declared.final_alpha:g} at the end. All else is exploratory."
        )
    return sentences


def _looks(info: StudyInfo, unplanned: int) -> list[str]:
    declared = info.design.protocol
    sentences = []
    if declared.looks:
        looks = "; ".join(look.words for look in declared.looks)
        sentences.append(f"Looks at the results before the end were declared: {looks}.")
    if unplanned:
        times = "once" if unplanned == 1 else f"{unplanned} times"
        sentences.append(f"Before the end the results were looked at undeclared: {times}.")
    return sentences


def _ratings() -> str:
    return (
        "All intervals are 95 % and take the items as a sample; they are given for new reviewers "
        "(reviewers a sample too) and for these reviewers, each named. Those of means rest on the "
        "variance components of items, reviewers and the rest, with Satterthwaite's degrees of "
        "freedom, those of shares are Wilson's for as many independent answers as vary as much. "
        "Agreement is given as Krippendorff's alpha (ordinal), mean pairwise Cohen's kappa with "
        "quadratic weights, Fleiss' kappa, Gwet's AC2 with quadratic weights, ICC(2,1) of all "
        "ratings and percent agreement, with intervals by a jackknife over items and reviewers; "
        "none is given where all answers are alike, or where the statistic is undefined without "
        "a part of the ratings. Agreement within reviewers is the mean of each reviewer's own."
    )


def _counted(words: str, n: int, **others: float) -> str:
    """Fill in a number, and the endings that go with it."""
    many = n != 1
    endings = {"s": "s" * many, "es": "es" * many, "ies": "ies" if many else "y"}
    return words.format(n, **endings, **others)


def _number(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
