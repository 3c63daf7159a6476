"""In which order the ECGs of a batch are looked at, and which of them."""

import numpy as np
import pandas as pd
import pytest

from pages.batches.findings_table import on_screen
from pages.batches.strips import COLUMNS, picture, strip
from pages.batches.triage import found, having, in_order, triage
from protoecg.ecg import ECG
from protoecg.labels import PTBXL


def row(likely="", possible="", abstains="", error="", unnamed="", **probabilities):
    columns = {"likely": likely, "possible": possible, "abstains": abstains, "error": error}
    return {**columns, "unnamed": unnamed, **probabilities}


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (row("SR 3AVB"), "critical"),
        (row("SR", "INJAS", INJAS=0.2), "possibly critical"),
        (row("SR CLBBB", "INJAS", INJAS=0.02), "abnormal"),
        (row("SR CLBBB", "LVH"), "abnormal"),
        (row("SR NORM", "LVH"), "possibly abnormal"),
        (row("SBRAD NORM"), "usual"),
        (row("SR", "NORM", unnamed="QTc 560 ms: prolonged."), "abnormal"),
        (row("3AVB", abstains="It abstains."), "not judged"),
        (row(error="The file is a PDF."), "not judged"),
    ],
)
def test_an_ecg_is_as_urgent_as_its_most_urgent_finding(columns, kind):
    assert triage(pd.Series(columns), PTBXL) == kind


def test_nothing_is_listed_as_likely_where_the_model_abstains():
    rows = pd.DataFrame([row("IMI", IMI=0.9), row("IMI", abstains="It abstains.", IMI=0.9)])
    shown = on_screen(rows.assign(quality=""), PTBXL, names=False)
    assert list(shown["Likely"]) == ["inferior myocardial infarction 90 %", ""]
    assert list(shown["Abstains"]) == ["", "It abstains."]


def test_the_most_urgent_ecgs_come_first_and_the_others_stay_in_their_order():
    rows = pd.DataFrame([row("NORM"), row("LVH"), row("3AVB"), row("CLBBB"), row(error="A PDF.")])
    assert list(in_order(rows, PTBXL).index) == [2, 1, 3, 4, 0]


def test_ecgs_with_a_finding_are_found_by_likely_or_also_by_possible_statements():
    rows = pd.DataFrame([row("NORM"), row("LVH"), row("NORM", "LVH")])
    assert list(having(rows, ["LVH"], possible=False).index) == [1]
    assert list(having(rows, ["LVH"], possible=True).index) == [1, 2]
    assert len(having(rows, [], possible=False)) == 3
    assert found(rows, PTBXL) == ["LVH", "NORM"]


def test_an_ecg_that_the_model_abstains_from_is_found_by_no_statement():
    rows = pd.DataFrame([row("LVH", "IMI"), row("CLBBB", "IMI", abstains="It abstains.")])
    assert list(having(rows, ["CLBBB", "IMI"], possible=True).index) == [0]
    assert found(rows, PTBXL) == ["IMI", "LVH"]


def test_a_strip_shows_every_beat_however_short():
    signal = np.zeros((12, 5000))
    signal[:, ::500] = 1.0
    drawn = strip(ECG(signal, 500))
    assert drawn.shape == (COLUMNS, 2) and (drawn[:, 1] == 1).sum() == 10
    assert picture(drawn, "dark").startswith("data:image/svg+xml;utf8,%3Csvg")
