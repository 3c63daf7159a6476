"""When an ECG was taken, and of whom: only on Explain, and only where a reader asks for it."""

from datetime import date, datetime, time

import pytest
from streamlit.testing.v1 import AppTest

from pages.ecg.recordings import recordings
from pages.explanation.earlier import TURNED
from protoecg.readers import Recording
from protoecg.simulate import example
from protoecg.taken import UNKNOWN, Taken

NOW = Taken.at(datetime(2021, 3, 3, 10, 42), age=64, sex="F")
THEN = Taken.of(date(2019, 5, 6), time(8), age=62, sex="F")
LABEL = "Date, age, sex"


def kept(taken, title="Atrial fibrillation"):
    ecg = example(title)
    return recordings().add(Recording(ecg.signal, ecg.rate, "visit.edf", taken=taken))


def words(app):
    elements = [*app.markdown, *app.caption, *app.warning, *app.table]
    return "\n".join(str(element.value) for element in elements)


def is_asked(app):
    return LABEL in [toggle.label for toggle in app.toggle]


def test_nothing_of_it_is_shown_until_it_is_switched_on(page):
    app = page("explain", ecg=kept(NOW))
    assert is_asked(app)
    assert not any(word in words(app) for word in ("2021", "64 years", "female"))
    assert "Each without date, age and sex" in words(app)

    app.toggle(key="taken").set_value(True).run()

    (line,) = [m.value for m in app.markdown if "**Rate**" in m.value or "**Rate " in m.value]
    assert line.startswith(f"**{NOW.words}** · ")
    assert "Each with date, age and sex" in words(app)


def test_of_a_file_that_says_nothing_nothing_is_asked(page):
    assert not is_asked(page("explain", ecg=kept(UNKNOWN), taken="true"))


@pytest.mark.parametrize("wanted", [True, False])
def test_the_earlier_ecgs_is_shown_with_it(page, wanted):
    asked = {"taken": "true"} if wanted else {}
    app = page("explain", ecg=kept(NOW), earlier_ecg=kept(THEN), **asked)
    assert (f"Earlier ECG: {THEN.words}" in words(app)) == wanted
    assert (NOW.words in words(app)) == wanted
    assert TURNED not in words(app)


def test_an_earlier_ecg_that_was_recorded_later_is_told_without_its_date(page):
    app = page("explain", ecg=kept(THEN), earlier_ecg=kept(NOW))
    assert TURNED in words(app)
    assert "2021" not in words(app) and "2019" not in words(app)


def test_who_judges_an_ecg_sees_nothing_of_it():
    def judged():
        from datetime import date

        import streamlit as st

        from pages.ecg import header
        from protoecg.ecg import ECG
        from protoecg.simulate import example
        from protoecg.taken import Taken

        st.session_state[header.ASKED] = st.session_state["taken"] = True
        taken = Taken.of(date(2021, 3, 3), age=64, sex="F")
        ecg = example("Atrial fibrillation")
        header.show_if_asked(ECG(ecg.signal, ecg.rate, "visit.edf", taken=taken))

    text = words(AppTest.from_function(judged).run(timeout=60))
    assert "**Rate**" in text or "**Rate " in text
    assert not any(word in text for word in ("2021", "64", "female"))
