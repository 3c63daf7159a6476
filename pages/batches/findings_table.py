"""What a batch found, as a table for the screen, where no file's name need be seen."""

from __future__ import annotations

import re
from posixpath import basename, splitext

import pandas as pd

from protoecg.batch import ABOUT
from protoecg.explanation import percent
from protoecg.spreadsheet import harmless

THE_FILE, ANOTHER = "the file", "(name hidden)"
# A shorter name may be a word of the sentence, such as that of a lead.
SHORTEST_STEM = 4
# Of other files that a header names.
_ANY_FILE = r"[^\s,;()]+\.[A-Za-z]\w{1,4}"


def on_screen(rows: pd.DataFrame, *, names: bool) -> pd.DataFrame:
    """Return a line for each ECG: what is called with its probability, and what is wrong with it.

    Parameters
    ----------
    rows : as `protoecg.batch.read_rows` returns them; columns without any text are left out
    names : whether files are named; otherwise ECGs have numbers alone, and sentences about them
        speak of "the file"
    """
    table = pd.DataFrame({"ECG": range(1, len(rows) + 1)})
    if names:
        table["File"] = rows["file"].map(harmless)
    table["Called"] = [_called(row) for _, row in rows.iterrows()]
    for column, told in (("Abstains", "abstains"), ("Quality", "quality"), ("Error", "error")):
        if (rows[told] != "").any():
            table[column] = [
                harmless(text) if names else without_name(text, file)
                for text, file in zip(rows[told], rows["file"], strict=True)
            ]
    probabilities = rows[called_anywhere(rows)].mul(100)
    return pd.concat([table, probabilities], axis=1)


def called_anywhere(rows: pd.DataFrame) -> list[str]:
    """Return the statements that any ECG is said to have, those of most ECGs first."""
    counts = rows["present"].str.split().explode().dropna().value_counts()
    return [code for code in counts.index if code in rows.columns]


def summary(rows: pd.DataFrame) -> str:
    """Count the ECGs that were explained, not read, abstained from, or poorly recorded."""
    read = rows[rows["error"] == ""]
    counted = {
        "explained": len(read),
        "not read": len(rows) - len(read),
        "abstained from": int((read["abstains"] != "").sum()),
        "poorly recorded": int((read["quality"] != "").sum()),
    }
    return " · ".join(f"**{count}** {what}" for what, count in counted.items())


def without_name(text: str, file: str) -> str:
    """Take a file's name, which may be a patient's, out of a sentence about it."""
    base = basename(file)
    stem = splitext(base)[0]
    names = [base] if len(stem) < SHORTEST_STEM else [base, stem]
    own = "|".join(map(re.escape, names))
    said = re.sub(rf"(?<!\w)({own})(?!\w)", THE_FILE, text)
    said = re.sub(rf"(?<!\w){_ANY_FILE}(?!\w)", ANOTHER, said)
    return said[:1].upper() + said[1:]


def _called(row: pd.Series) -> str:
    """Return the statements called with their probability, the most probable first."""
    codes = [code for code in row["present"].split() if code in row.index and code not in ABOUT]
    return ", ".join(f"{code} {percent(row[code])}" for code in codes)
