"""A study as files: answers, events, assignments, a codebook, and a README of its settings.

Before the study's end they hold the answers that a look has opened (`opening`), and no others.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import get_args

import pandas as pd
from sqlalchemy import Engine

from review_db.findings.answers import (
    ASSIGNMENT,
    COLUMNS,
    ITEM,
    answers_on,
    assignments_on,
    counted,
    events_on,
    rows_of,
    standing,
)
from review_db.findings.checklist import CHECKLIST, checklist
from review_db.findings.estimate_rows import COLUMNS as ESTIMATES
from review_db.findings.estimate_rows import estimate_rows
from review_db.findings.flow import Flow, flow
from review_db.findings.methods import methods_text
from review_db.findings.opening import Opening, Seen, opening
from review_db.findings.shown import SHOWN
from review_db.questions.catalogue import BETWEEN, CANNOT_JUDGE, KINDS, STUDY_QUESTIONS, TEXT_LENGTH
from review_db.questions.codebook import CODEBOOK, Meaning, codebook
from review_db.store.database import reading
from review_db.store.files import as_csv
from review_db.store.schema import item_look, study_action
from review_db.studies.lifecycle import StudyInfo, study_info, study_protocol
from review_db.studies.trail import Action

_ASSIGNED = ("item", *ITEM, "truth", *SHOWN, "repeat_of", "swapped", "session", "arm", "withdrawn")
_VERSIONS = ("bundle", "fingerprint", "app_version", "codebook_version")
_FILES = {
    "answers_long.csv": (
        "one row for each answer that stands",
        ("id", *ASSIGNMENT, "stage", *_ASSIGNED, "question", "value", "at", *_VERSIONS),
    ),
    "answers_wide.csv": (
        "one row for each stage of an item that a reviewer answered",
        tuple(COLUMNS),
    ),
    "events.csv": (
        "every answer ever saved, changed or taken back",
        ("id", "at", *ASSIGNMENT, "stage", "revision", "question", "old_value", "new_value")
        + ("duration_ms", *_VERSIONS),
    ),
    "assignments.csv": (
        "which item each reviewer met at which position, answered or not",
        (*ASSIGNMENT, *_ASSIGNED),
    ),
    "looks.csv": (
        "when a reviewer first opened each stage of an item",
        (*ASSIGNMENT, "stage", "at"),
    ),
    "trail.csv": (
        "what was done besides answering: by whom, when and why",
        ("study", "at", "actor", "action", "reviewer", "reason", "data"),
    ),
    "estimates.csv": (
        "every figure of Results, one row for each whom its interval holds for",
        ESTIMATES,
    ),
    "checklist.csv": (
        "what reporting guidelines ask of a study, as far as its design and data say it",
        CHECKLIST,
    ),
    "codebook.csv": (
        "what each column of these files holds",
        CODEBOOK,
    ),
}
# Column: meaning, type, allowed values.
_MEANINGS = {
    "study": ("Name of the study", "text", ""),
    "position": ("Where in the reviewer's own order the item came", "integer", "from 1"),
    "stage": ("First look, or second look after the reveal", "integer", "1; 2"),
    "revision": ("Number of the save or draft, per item and stage", "integer", "from 1"),
    "item": ("Number of the item within the study, the same for all", "integer", "from 1"),
    "kind": (
        "Kind of item",
        "category",
        "; ".join(KINDS),
    ),
    "role": (
        "What the item is for",
        "category",
        "rated = counts; practice = does not count; wrong_statement, random_window, noise = "
        "controls",
    ),
    "statement": (
        "SCP-ECG statement that the item is shown for; of wrong_statement not the prototype's own",
        "text",
        "",
    ),
    "prototype": ("Name of the prototype, unique within its bundle", "text", "empty = none"),
    "case_name": ("Name of the case", "text", "empty = none"),
    "truth": ("Statements of a case to read", "text", f"codes with '{BETWEEN}' between them"),
    "repeat_of": ("Position of the first look that this repeats", "integer", "empty = none"),
    "swapped": (
        "Whether explanation a stood on the right of a pair",
        "category",
        "True; False",
    ),
    "record": ("Record of the ECG that the item is about", "text", ""),
    "window_s": ("Start and end of the window that was marked", "text", "seconds; seconds"),
    "snr_db": ("Signal to noise of the noise that was added", "number", "dB; empty = none added"),
    "similarity": ("Similarity of the patient's window and the prototype", "number", "-1 to 1"),
    "calls": (
        "What the model calls in an ECG to read",
        "text",
        f"codes with '{BETWEEN}' between them",
    ),
    "explanation_a": ("Explanation a of a pair, or that of an ECG to read", "text", "JSON"),
    "explanation_b": ("Explanation b of a pair", "text", "JSON"),
    "session": ("Which visit of a crossover the item came in", "integer", "from 1"),
    "arm": (
        "What was shown beside an ECG to read",
        "category",
        "alone; calls; prototypes; empty = no ECG to read",
    ),
    "withdrawn": (
        "Whether the reviewer was withdrawn, and counts in no analysis",
        "category",
        "True; False",
    ),
    "actor": ("Who did it: an account's code, a reviewer, or where it was done", "text", ""),
    "action": ("What was done", "category", "; ".join(get_args(Action))),
    "reason": ("Why, in the words of who did it", "text", ""),
    "data": ("What belongs to it, such as digests and profiles", "text", "JSON"),
    "question": ("Key of the question", "category", "; ".join(STUDY_QUESTIONS)),
    "value": (
        "The answer",
        "text",
        "as the column of answers_wide.csv that is named as the question",
    ),
    "old_value": ("The answer that stood before; empty if there was none", "text", ""),
    "new_value": ("The answer; empty if it was taken back", "text", "as value"),
    "duration_ms": (
        "Time on the item since its last save; the same in all events of one save",
        "integer",
        "milliseconds",
    ),
    "seconds": ("Time on this stage of the item over all its saves", "number", "seconds"),
    "section": (
        "What a figure is of",
        "category",
        "scores; first looks; summaries; controls; repeats; agreement; preferences; readings",
    ),
    "of": ("Of whom or what, in words", "text", ""),
    "measure": ("The question, or the outcome of a reading", "text", ""),
    "statistic": ("Such as mean, difference, or the coefficient of agreement", "text", ""),
    "holds_for": (
        "Whom the interval and p hold for; in either case the items or cases are a sample",
        "category",
        "these reviewers; new reviewers; empty = no interval",
    ),
    "low": ("Lower end of the 95 % interval", "number", "empty = nothing can be said"),
    "high": ("Upper end of the 95 % interval", "number", "empty = nothing can be said"),
    "p": ("Two-sided p of no difference or preference", "number", "0 to 1"),
    "items": ("Items, cases or pairs that it rests on", "integer", ""),
    "reviewers": ("Reviewers that it rests on", "integer", ""),
    "guideline": ("Whose checklist it is", "category", "GRRAS; STARD; MRMC"),
    "asked": ("What is to be reported", "text", ""),
    "answer": (
        "What the design and the data say",
        "text",
        "to be written by the authors = the study cannot know it",
    ),
    "type": ("Kind of value", "category", "integer; number; category; text; time"),
}


def study_files(engine: Engine, name: str) -> dict[str, bytes]:
    """Return the files of a study by name, all as of one moment: its end, or the last look.

    Raises
    ------
    DesignError
        If there is no such study.
    RatingsError
        If the database cannot be read.
    """
    info, seen = study_info(engine, name), opening(engine, name)
    with reading(engine) as connection:
        wide = answers_on(connection, name, seen.until)
        events = events_on(connection, name, seen.until)
        looks = _opened(rows_of(connection, item_look, name), seen)
        done = rows_of(connection, study_action, name)
        assignments = assignments_on(connection, name)
    steps = flow(info.design, assignments, wide) if seen.is_open else None
    long = standing(events).assign(value=lambda rows: rows["new_value"])
    frames = {
        "answers_long.csv": long.merge(assignments, on=ASSIGNMENT, how="left"),
        "answers_wide.csv": wide,
        "events.csv": events,
        "assignments.csv": assignments,
        "looks.csv": looks,
        "trail.csv": done,
        "estimates.csv": estimate_rows(counted(wide)),
        "checklist.csv": checklist(info, assignments, steps, seen.words),
        "codebook.csv": codebook(
            {file: columns for file, (_, columns) in _FILES.items()}, _MEANINGS, _asked
        ),
    }
    files = {file: as_csv(frames[file], columns) for file, (_, columns) in _FILES.items()}
    protocol, _ = study_protocol(engine, name)
    texts = {"protocol.md": protocol, "README.md": _readme(info, assignments, steps, seen)}
    return files | {file: text.encode("utf-8") for file, text in texts.items()}


def _opened(looks: pd.DataFrame, seen: Seen) -> pd.DataFrame:
    """Return what was opened until then: from when to when tells how long an item took."""
    if seen.is_final:
        return looks
    return looks[looks["at"] <= seen.looks[-1].at] if seen.looks else looks[:0]


def _methods(info: StudyInfo, assignments: pd.DataFrame, steps: Flow | None, seen: Opening) -> str:
    if steps is None:
        return "Written once answers may be seen, as it says how many there are."
    return methods_text(info, assignments, steps, unplanned=seen.unplanned)


def _asked(key: str) -> Meaning:
    question = STUDY_QUESTIONS[key]
    anchors = zip(question.points, question.anchors, strict=True)
    choices = [f"{point} = {words}" for point, words in anchors]
    choices += [option for option in question.options if option not in question.points]
    if question.several:
        return question.text, "text", f"codes with '{BETWEEN}' between them"
    if not choices:
        return question.text, "text", f"up to {TEXT_LENGTH} characters"
    return question.text, "category", "; ".join((*choices, "empty = not answered"))


def _readme(info: StudyInfo, assignments: pd.DataFrame, steps: Flow | None, seen: Opening) -> str:
    design = info.design
    settings = json.dumps(asdict(design), indent=2, ensure_ascii=False)
    started = f"{info.started_at:%Y-%m-%d %H:%M} UTC" if info.started_at else "not yet"
    described = {file: what for file, (what, _) in _FILES.items()}
    described["protocol.md"] = "what was declared before the start"
    files = "\n".join(f"- `{file}`: {what}" for file, what in described.items())
    return f"""# Study {design.name}{f": {design.title}" if design.title else ""}

- bundle: {info.bundle}, version {info.fingerprint}
- made with: app {info.app_version}, codebook {info.codebook_version}
- started: {started}
- items: {info.items}; assignments: {len(assignments)}; reviewers: {len(info.reviewers)}, of whom
  {len(info.standing.withdrawn)} withdrawn

## Files

{files}

CSV in UTF-8, times in UTC. A cell that a spreadsheet would run as a formula begins with an
apostrophe, as does one that began with an apostrophe; take one off to get what was entered.
An answer `{CANNOT_JUDGE}` is no point of the scale: count it as missing, and say how often it was
given. Practice items, controls and repeats are told by `role` and `repeat_of`; scores are of rows
with role `rated`, no `repeat_of`, the highest `stage` of the item, and no `skip` at it.

{seen.words}
These files hold the answers that may be seen by that, and no others. `python -m review_db backup`
keeps all of them safe at any time.

## Methods

{_methods(info, assignments, steps, seen)}

## Settings

```json
{settings}
```
"""
