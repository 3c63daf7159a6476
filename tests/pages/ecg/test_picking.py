import json

import numpy as np
import pandas as pd

from pages.ecg.recordings import recordings
from pages.shell.words import plain
from protoecg.ecg import LEADS
from protoecg.readers import Recording
from protoecg.simulate import example

FIRST, SECOND = example("Atrial fibrillation"), example("Left bundle branch block")


def long_recording(gap=False):
    """Thirty seconds of two ECGs, one of them twice."""
    parts = [FIRST.signal, SECOND.signal, FIRST.signal]
    signal = np.concatenate(parts, axis=1)
    if gap:
        signal[5, 6000] = np.nan
    return Recording(signal, FIRST.rate, "long.edf", ("Computed from I and II.",))


def drawn(app):
    traces = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    return next(trace for trace in traces if trace["name"] == "V1")["y"]


def captions(app):
    return "\n".join(caption.value for caption in app.caption)


def test_of_a_long_recording_the_reader_chooses_ten_seconds(page):
    token = recordings().add(long_recording())
    app = page("explain", ecg=token)
    assert app.slider(key="start").label == "Ten of 30 seconds, from"
    assert (app.slider(key="start").min, app.slider(key="start").max) == (0.0, 20.0)
    assert "Seconds 0 to 10 of a recording of 30 s." in captions(app)
    before = drawn(app)

    app.slider(key="start").set_value(10.0).run()

    assert "Seconds 10 to 20 of a recording of 30 s." in captions(app)
    assert "Computed from I and II." in captions(app)
    assert drawn(app) != before


def test_the_url_brings_back_the_chosen_seconds(page):
    token = recordings().add(long_recording())
    app = page("explain", ecg=token, start="7.5")
    assert "Seconds 7.5 to 17.5 of a recording of 30 s." in captions(app)


def test_a_start_outside_the_recording_is_passed_over(page):
    token = recordings().add(long_recording())
    for start in ("25", "-3", "nan", "x"):
        app = page("explain", ecg=token, start=start)
        assert "of a recording of 30 s." in captions(app)


def test_a_gap_is_said_where_it_is_and_the_rest_can_be_seen(page):
    token = recordings().add(long_recording(gap=True))
    app = page("explain", ecg=token, start="5")
    text = plain("Samples are missing in lead aVF (first in aVF at 7.00 s)")
    assert text in app.error[0].value

    app.slider(key="start").set_value(15.0).run()

    assert not app.error
    assert "Seconds 15 to 25" in captions(app)


def test_another_long_recording_begins_at_its_own_beginning(page):
    app = page("explain", ecg=recordings().add(long_recording()))
    app.slider(key="start").set_value(15.0).run()
    table = pd.DataFrame(long_recording().signal.T, columns=list(LEADS)).to_csv(index=False)

    app.file_uploader[0].set_value([("another.csv", table.encode(), "text/csv")]).run()
    next(button for button in app.button if button.label == "Explain with these").click().run()

    assert "another.csv" in app.markdown[0].value
    assert app.slider(key="start").value == 0.0
    assert "Seconds 0 to 10 of a recording of 30 s." in captions(app)


def test_text_of_a_file_is_not_read_as_markdown(page):
    beacon = "![](//example.org/a)"
    recording = Recording(FIRST.signal, FIRST.rate, f"{beacon}.csv", (f"The unit '{beacon}'.",))
    app = page("explain", ecg=recordings().add(recording))
    assert plain(f"{beacon}.csv") in app.markdown[0].value
    assert plain(f"The unit '{beacon}'.") in captions(app) and beacon not in captions(app)


def test_leads_beside_the_twelve_are_drawn_below_them(page):
    others = {"V7": FIRST.signal[6] / 2, "V4R": FIRST.signal[7] / 2}
    recording = Recording(FIRST.signal, FIRST.rate, "eighteen.dcm", (), others)
    app = page("explain", ecg=recordings().add(recording))
    below = json.loads(app.get("plotly_chart")[1].proto.spec)["data"]
    names = next(trace["text"] for trace in below if trace["name"] == "lead names")
    assert names == ["V7", "V4R"]


def test_ten_seconds_leave_no_choice(page):
    token = recordings().add(Recording(FIRST.signal, FIRST.rate))
    assert not page("explain", ecg=token).slider


def test_an_example_that_is_picked_is_shown_and_then_another(page):
    app = page("explain")
    for title in ("Atrial fibrillation", "Sinus bradycardia"):
        app.selectbox(key="picked example").select(title).run()
        assert app.query_params["example"] == title
        assert plain(f"Simulated: {title.lower()}") in app.markdown[0].value
        assert app.selectbox(key="picked example").value is None
