import numpy as np

from protoecg.ecg import ECG, LEADS
from protoecg.figures.strips import describe_other_leads, other_leads_figure
from protoecg.sheet.filters import Filters
from protoecg.sheet.view import View
from protoecg.simulate import example

TWELVE = example("Atrial fibrillation")
OTHERS = {"V7": TWELVE.signal[6] / 2, "V8": 3 * TWELVE.signal[7], "X": TWELVE.signal[0]}
FIFTEEN = ECG(TWELVE.signal, TWELVE.rate, "fifteen", others=OTHERS)


def rows(figure):
    return {t.name.split(",")[0]: t for t in figure.data if t.customdata is not None}


def test_leads_beside_the_twelve_are_drawn_in_their_true_millivolts():
    drawn = rows(other_leads_figure(FIFTEEN, view=View()))
    assert list(drawn) == list(OTHERS)
    for name, values in OTHERS.items():
        np.testing.assert_array_equal(drawn[name].customdata, values)


def test_they_pass_through_the_filters_of_the_drawing():
    filtered = rows(other_leads_figure(FIFTEEN, view=View(filters=Filters(high_pass_hz=0.5))))
    assert np.abs(np.asarray(filtered["V8"].customdata) - OTHERS["V8"]).max() > 0.01


def test_no_row_runs_into_the_next():
    drawn = list(rows(other_leads_figure(FIFTEEN, view=View())).values())
    for above, below in zip(drawn, drawn[1:], strict=False):
        assert np.all(np.asarray(above.y) > np.asarray(below.y))


def test_who_cannot_see_them_is_told_which_they_are():
    text = describe_other_leads(FIFTEEN, View())
    assert "V7, V8, X" in text and not set(LEADS) & set(text.split(" "))
