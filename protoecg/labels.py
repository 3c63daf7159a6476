"""Label sets: the statements that a model decides, in words, and what is known of each.

A label set is a CSV file with a row a statement; the columns after `branch` may be left out:

code      how data and bundles name it, such as "1AVB" or "164889003"
words     what it says, such as "first degree AV block"
branch    the part of the network that reads it: rhythm, morphology or global
kind      its place in a reading, one of `KINDS`
critical  "yes" if somebody must be told of it at once
leads     the leads that define it, with blanks between
scp       the code of PTB-XL's statement that means the same: what the project knows of that
          (limits of measurements, kind, leads) then holds for this one too
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO

from protoecg.ecg import LEADS

BRANCHES = ("rhythm", "morphology", "global")
# In the order of a reading: diagnoses, then forms and rhythms, a normal ECG last.
KINDS = (
    *("infarction", "conduction", "hypertrophy", "repolarisation"),
    *("form", "rhythm", "normal"),
)
_NEEDED = ("code", "words", "branch")
_COLUMNS = (*_NEEDED, "kind", "critical", "leads", "scp")
MAX_BYTES, MAX_STATEMENTS = 1_000_000, 1000
# Both are shown as Markdown, in HTML and in cells: nothing that means more than itself.
# No blanks, which stand between codes; never the name of a column of a batch.
_CODE = re.compile(r"[A-Z0-9][\w()/.+-]{0,31}")
_WORDS = re.compile(r"\w[\w ()/.,;%'+-]{0,119}")


class LabelsError(ValueError):
    """A label set that cannot be used; the message says what to change."""


@dataclass(frozen=True)
class Statement:
    """One statement of a label set.

    Parameters
    ----------
    description : in words
    kind : its place in a reading, one of `KINDS`
    critical : whether somebody must be told of it at once
    leads : that define it; none where it may show in any
    scp : PTB-XL's code for the same; empty where it has none
    """

    code: str
    branch: str
    description: str
    kind: str = "form"
    critical: bool = False
    leads: tuple[str, ...] = ()
    scp: str = ""

    @property
    def is_rhythm(self) -> bool:
        """Whether it names a rhythm, whatever branch reads it."""
        return self.kind == "rhythm"

    @property
    def is_normal(self) -> bool:
        """Whether it says that nothing is wrong."""
        return self.kind == "normal"

    @property
    def urgency(self) -> int:
        """Its place in a reading: 0 is critical, a normal ECG comes last."""
        return 0 if self.critical else 1 + KINDS.index(self.kind)

    @property
    def named(self) -> str:
        """Its words, its code second: "Atrial fibrillation (AFIB)"."""
        return f"{self.description[:1].upper()}{self.description[1:]} ({self.code})"


class LabelSet(Mapping[str, Statement]):
    """Statements by their code, in the order of the label set."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._statements = {statement.code: statement for statement in statements}

    def __getitem__(self, code: str) -> Statement:
        return self._statements[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)

    def named(self, code: str) -> str:
        """Name a statement by words and code; one of another label set by its code alone."""
        return self[code].named if code in self else code

    def scp(self, codes: Iterable[str]) -> set[str]:
        """Return PTB-XL's codes for statements, of those that have one."""
        return {self[code].scp for code in codes if code in self} - {""}

    def to_csv(self) -> str:
        """Return the label set as a file holds it."""
        text = StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in self.values():
            critical, leads = "yes" if one.critical else "", " ".join(one.leads)
            first = (one.code, one.description, one.branch, one.kind)
            writer.writerow((*first, critical, leads, one.scp))
        return text.getvalue()


def is_code(text: str) -> bool:
    """Whether a text can be the code of a statement."""
    return bool(_CODE.fullmatch(text))


def is_wording(text: str) -> bool:
    """Whether a text can be what a statement says."""
    return bool(_WORDS.fullmatch(text))


def read_labels(content: bytes, name: str) -> LabelSet:
    """Read a label set from a CSV file's content; `name` is what to call the file.

    Raises
    ------
    LabelsError
        If a column is missing, or a row says what cannot be.
    """
    return _read(content, name, PTBXL)


def _read(content: bytes, name: str, known: Mapping[str, Statement] | None) -> LabelSet:
    """Read a label set; its column `scp` may name the known statements, if these are given."""
    if len(content) > MAX_BYTES:
        raise LabelsError(
            f"{name} is larger than any label set. Give a CSV of one row a statement."
        )
    try:
        table = csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns, rows = table.fieldnames or [], list(table)
    except (UnicodeDecodeError, csv.Error):
        raise LabelsError(f"{name} is no CSV file in UTF-8. Save it as one.") from None
    if missing := [column for column in _NEEDED if column not in columns]:
        raise LabelsError(
            f"{name} has no column {', '.join(missing)}. A label set has the columns "
            f"{', '.join(_NEEDED)}, and may have {', '.join(_COLUMNS[len(_NEEDED) :])}."
        )
    if not 0 < len(rows) <= MAX_STATEMENTS:
        raise LabelsError(
            f"{name} has {len(rows)} rows, expected 1 to {MAX_STATEMENTS} statements."
        )
    statements = [_statement(row, f"{name}, line {n}", known) for n, row in enumerate(rows, 2)]
    if len({one.code for one in statements}) < len(statements):
        raise LabelsError(f"{name} has a code twice. Give each statement one row.")
    return LabelSet(statements)


def _statement(row: dict[str, str], where: str, known: Mapping[str, Statement] | None) -> Statement:
    cell = {column: (row.get(column) or "").strip() for column in _COLUMNS}
    like = known[_one_of(cell["scp"], known, f"{where}: scp")] if known and cell["scp"] else None
    leads = tuple(cell["leads"].split())
    return Statement(
        _checked(cell["code"], _CODE, f"{where}: the code"),
        _one_of(cell["branch"], BRANCHES, f"{where}: the branch"),
        _checked(cell["words"], _WORDS, f"{where}: what its words say"),
        _one_of(cell["kind"] or (like.kind if like else "form"), KINDS, f"{where}: the kind"),
        _one_of(cell["critical"], ("yes", "no", ""), f"{where}: critical") == "yes",
        tuple(_one_of(lead, LEADS, f"{where}: a lead") for lead in leads)
        or (like.leads if like else ()),
        cell["scp"],
    )


def _checked(text: str, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(text):
        # Not quoted: it may be long, or more than text.
        raise LabelsError(
            f"{what} is empty, too long, or has other signs than letters, digits and ( ) / . , + -."
        )
    return text


def _one_of(text: str, known: Iterable[str], what: str) -> str:
    if text not in known:
        listed = ", ".join(one for one in known if one)
        raise LabelsError(f"{what} is not one of {listed if len(listed) < 200 else 'PTB-XL'}.")
    return text


PTBXL = _read(files("protoecg").joinpath("ptbxl_labels.csv").read_bytes(), "PTB-XL's", None)
"""The 71 SCP-ECG statements of PTB-XL: those of bundles and data sets that name no others."""
