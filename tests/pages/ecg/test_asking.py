"""What a file does not say is asked beside the picture that the answer gives."""

import io
import json

import numpy as np

from pages.shell.words import plain
from protoecg.ecg import LEADS
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
COUNTS = np.round(ECG.signal * 200)


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def csv(signal, names=LEADS):
    rows = [",".join(names), *(",".join(f"{v:.4f}" for v in row) for row in signal.T)]
    return "\n".join(rows).encode()


def uploaded(page, content, name="ecg.csv"):
    app = page("explain")
    app.file_uploader[0].set_value([(name, content, "text/csv")]).run()
    return app


def asked(app):
    """Return the questions that stand there, with the guess of each."""
    widgets = [*app.number_input, *app.selectbox]
    return {w.label: w.value for w in widgets if str(w.key).startswith("asked")}


def preview(app):
    """Return lead V1 of the picture beside the questions."""
    figures = (json.loads(chart.proto.spec) for chart in app.get("plotly_chart"))
    trace = next(t for t in next(figures)["data"] if t["name"] == "V1")
    return trace["dx"], trace["customdata"]


def widget(app, label):
    widgets = [*app.number_input, *app.selectbox, *app.text_input]
    return next(w for w in widgets if w.label == label)


def accept(app):
    next(button for button in app.button if button.label == "Explain with these").click().run()
    return app


def test_a_file_that_says_all_is_explained_without_a_question(page):
    content = io.BytesIO()
    np.savez(content, signal=ECG.signal, leads=np.array(LEADS), fs=500, units="mV")
    app = uploaded(page, content.getvalue(), "ecg.npz")
    assert not asked(app) and "ecg" in app.query_params


def test_a_missing_rate_is_asked_with_a_guess_whose_picture_changes_with_the_answer(page):
    app = uploaded(page, csv(ECG.signal))
    assert asked(app) == {"Sampling rate in Hz": 500.0}
    assert preview(app)[0] == 1 / 500

    widget(app, "Sampling rate in Hz").set_value(250.0).run()

    assert preview(app)[0] == 1 / 250
    assert "ecg" not in app.query_params
    accept(app)
    assert not asked(app) and "of a recording of 20 s" in " ".join(c.value for c in app.caption)


def test_while_a_file_waits_no_other_ecg_stands_below_it(page):
    def explained(app):
        return [radio.label for radio in app.radio if radio.label in ("**Likely**", "**Rhythm**")]

    assert explained(page("explain"))

    app = uploaded(page, csv(ECG.signal))
    assert len(app.get("plotly_chart")) == 1 and not explained(app)
    accept(app)
    assert explained(app)

    app = uploaded(page, b"no ECG")
    assert app.error and not app.get("plotly_chart") and not explained(app)


def test_a_rate_at_which_the_file_is_too_short_is_named(page):
    app = uploaded(page, csv(ECG.signal))
    widget(app, "Sampling rate in Hz").set_value(1000.0).run()
    assert "5.0 s at 1000 Hz" in app.error[0].value and "Check the rate" in app.error[0].value


def test_an_array_of_counts_is_asked_for_all_that_it_lacks(page):
    app = uploaded(page, npy(COUNTS), "ecg.npy")
    assert asked(app) == {
        "Sampling rate in Hz": 500.0,
        "Unit of the samples": "5 uV",
        "Order of the leads": ", ".join(LEADS),
    }
    accept(app)
    text = " ".join(caption.value for caption in app.caption)
    assert "Leads in the order that was given" in text and "Read in 5 uV" in text


def test_an_order_that_lacks_leads_is_refused_in_words_and_can_be_mended(page):
    app = uploaded(page, npy(ECG.signal), "ecg.npy")
    widget(app, "Order of the leads").select("another order").run()
    own = "Leads in the order of the file"
    widget(app, own).set_value("I, II, III").run()
    assert "not all twelve" in app.error[0].value
    widget(app, own).set_value(", ".join(LEADS[::-1])).run()
    assert not app.error
    accept(app)
    text = " ".join(caption.value for caption in app.caption)
    assert plain(f"Leads in the order that was given: {', '.join(LEADS[::-1])}.") in text
