"""Measurements on Explain: on demand, computed, each with the marks or the reason."""

import json

import numpy as np

from pages.ecg.recordings import recordings
from protoecg.measure import measure
from protoecg.readers import Recording
from protoecg.simulate import example

AFIB = "Atrial fibrillation"


def table(app) -> str:
    return next(m.value for m in app.markdown if m.value.startswith("| | computed"))


def marks(app) -> set[str]:
    spec = json.loads(app.get("plotly_chart")[1].proto.spec)
    return {trace["name"] for trace in spec["data"]}


def test_nothing_is_measured_until_it_is_asked_for(page):
    app = page("explain", example=AFIB)

    assert not any("Measurements, computed" in m.value for m in app.markdown)
    before = len(app.get("plotly_chart"))
    app.toggle(key="measured").set_value(True).run()

    assert any("Measurements, computed" in m.value for m in app.markdown)
    assert len(app.get("plotly_chart")) == before + 1


def test_the_table_holds_what_is_measured_and_the_reason_where_it_is_unsure(page):
    app = page("explain", example=AFIB, measured="true")

    measured, shown = measure(example(AFIB)), table(app)
    assert f"| QRS | **{measured.qrs_ms:.0f} ms** | QRS onset to QRS end |" in shown
    assert f"| PR | unsure | {measured.unsure['pr_ms']} |" in shown
    assert f"| QTc | **{measured.qtc_ms:.0f} ms** | Fridericia; Bazett" in shown
    assert "QRS onset" in marks(app) and "P onset" not in marks(app)


def test_lead_by_lead_is_kept_in_the_url(page):
    app = page("explain", example=AFIB, measured="true", beat="lead by lead")

    spec = json.loads(app.get("plotly_chart")[1].proto.spec)
    assert [trace["name"] for trace in spec["data"]].count("T end") == 12


def test_without_a_median_beat_the_reason_stands_in_its_place(page, models):
    noise = np.random.default_rng(0).normal(scale=0.2, size=(12, 5000)).astype(np.float32)
    token = recordings().add(Recording(noise, 500.0, "noise.csv"))

    app = page("explain", ecg=token, measured="true")

    assert any("No median beat can be shown" in info.value for info in app.info)
    assert table(app).count("unsure") >= 5
