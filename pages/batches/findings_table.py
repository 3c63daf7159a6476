"""What a batch found, as a table for the screen, where no file's name need be seen."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pages.batches.triage import triage
from protoecg import wording
from protoecg.batch.table import ABOUT
from protoecg.labels import LabelSet
from protoecg.storage.spreadsheet import harmless

_TEXTS = {
    **{"By measurement alone": "unnamed", "Abstains": "abstains"},
    **{"Quality": "quality", "Error": "error"},
}


def on_screen(
    rows: pd.DataFrame, labels: LabelSet, *, names: bool, strips: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a line for each ECG: what is likely, possible, and wrong with it.

    Parameters
    ----------
    rows : as `protoecg.batch.table.read_rows` returns them, or some of them in any order: an ECG's
        number is its place in the index; columns without any text are left out
    strips : a picture of each row's rhythm strip, or nothing
    names : whether files are named; otherwise ECGs have numbers alone. Sentences about them speak
        of "the file" in any case
    """
    table = pd.DataFrame({"ECG": rows.index + 1}, index=rows.index)
    table["Triage"] = [triage(row, labels) for _, row in rows.iterrows()]
    if strips:
        table["Lead II"] = strips
    if names:
        table["File"] = rows["file"].map(harmless)
    for column, certainty in (("Likely", "likely"), ("Possible", "possible")):
        table[column] = [_listed(row, certainty, labels) for _, row in rows.iterrows()]
    for column, source in _TEXTS.items():
        if (rows[source] != "").any():
            table[column] = rows[source].map(harmless)
    probabilities = rows[called_anywhere(rows)].mul(100)
    return pd.concat([table, probabilities], axis=1)


def called_anywhere(rows: pd.DataFrame) -> list[str]:
    """Return the statements that were called in any ECG, those of most ECGs first."""
    counts = rows["likely"].str.split().explode().dropna().value_counts()
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


def _listed(row: pd.Series, certainty: str, labels: LabelSet) -> str:
    """Return the statements of a certainty in words with their probability, as they are read.

    None of an ECG that the model abstains from: nothing is said of it, on Explain neither.
    """
    if row["abstains"]:
        return ""
    codes = [code for code in row[certainty].split() if code in row.index and code not in ABOUT]
    read = sorted(codes, key=lambda code: labels[code].urgency)
    return ", ".join(
        f"{labels[code].description} {wording.probability(row[code])}" for code in read
    )
