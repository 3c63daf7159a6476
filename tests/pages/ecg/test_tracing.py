"""The choice of how tracings are printed, on every page that draws one."""

import json

import pytest

from pages.ecg.drawing import GOES_ON, LATE
from protoecg.bundle import Bundle
from protoecg.ecg import LEADS
from protoecg.sheet.filters import ST_MAY_SHIFT
from protoecg.sheet.view import INVERTED, LIMB
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study

AFIB = "Atrial fibrillation"
CHOSEN = {
    "leads": "12 in full",
    "order": "Cabrera",
    "speed": "50",
    "gain": "20",
    "highpass": "0.5",
    "notch": "60",
    "lowpass": "40",
}


def figures(app) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def printed(figure: dict) -> str:
    lines = [t["text"][0] for t in figure["data"] if t.get("name") == "printed line"]
    return lines[0] if lines else ""


def papers(app) -> list[str]:
    return [line for line in map(printed, figures(app)) if line]


def captions(app) -> str:
    return "\n".join(caption.value for caption in app.caption)


def leads(figure: dict) -> list[str]:
    return [t["name"] for t in figure["data"] if t.get("name") in (*LEADS, INVERTED)]


def kept(app) -> dict[str, str]:
    """What the URL says of the tracing, for which a browser gives a list and a link a word."""
    own = {key: app.query_params[key] for key in app.query_params if key in (*CHOSEN, "strip")}
    return {key: v if isinstance(v, str) else v[0] for key, v in own.items()}


@pytest.fixture
def opened(page, engine, demo: Bundle):
    """Opens a page that draws a tracing, with more in its URL."""

    def at(name: str, **query: str):
        if name == "explain":
            return page(name, example=AFIB, **query)
        if name == "rate":
            return page(name, reviewer="R01", **query)
        if name == "take_part":
            design = Design(
                "pilot",
                ("R01",),
                1,
                repeats=0.0,
                practice=0,
                summaries=False,
                sample=Sample(size=2),
            )
            create_study(engine, design, bundle_material(demo.path))
            return page(name, key=start_study(engine, "pilot")["R01"], **query)
        return page(name, **query)

    return at


DRAWING = ["explain", "library", "rate", "take_part"]


@pytest.mark.parametrize("name", DRAWING)
def test_by_default_a_tracing_is_raw_and_as_usual(opened, name):
    app = opened(name)

    assert papers(app)
    for line in papers(app):
        assert line.startswith("25 mm/s   10 mm/mV   ") and "no filter" in line
    assert ST_MAY_SHIFT not in captions(app)
    assert leads(figures(app)[0])[-1] == "II" and len(leads(figures(app)[0])) == 13


@pytest.mark.parametrize("name", DRAWING)
def test_the_url_brings_the_whole_choice_back(opened, name):
    app = opened(name, **CHOSEN)

    assert papers(app)
    for line in papers(app):
        assert line.startswith("50 mm/s   20 mm/mV   ") and ST_MAY_SHIFT in line
        assert "high-pass 0.5 Hz" in line and "low-pass 40 Hz" in line
    assert leads(figures(app)[0]) == [*LIMB["Cabrera"], *LEADS[6:]]
    assert ST_MAY_SHIFT in captions(app)
    assert kept(app) == CHOSEN


@pytest.mark.parametrize("name", DRAWING)
def test_every_control_is_bound_to_the_url_and_changes_the_tracing(opened, name):
    app = opened(name)

    for key, value in CHOSEN.items():
        app.button_group(key=key).set_value(value).run()
    app.button_group(key="leads").set_value("3 × 4 + strip").run()
    app.selectbox(key="strip").select("V1").run()

    assert not app.exception
    assert leads(figures(app)[0])[-1] == "V1" and INVERTED in leads(figures(app)[0])
    assert papers(app)[0].startswith("50 mm/s   20 mm/mV   ") and "high-pass" in papers(app)[0]
    controls = [*(app.button_group(key=key) for key in CHOSEN), app.selectbox(key="strip")]
    assert [c.proto.query_param_key for c in controls] == [*CHOSEN, "strip"]


def test_a_filter_that_cannot_apply_is_said_so_below_the_ecg_it_cannot_apply_to(opened):
    app = opened("explain", notch="60", lowpass="150", whole="true")

    rates = [f"{rate} Hz" for rate in (500, 100) if any(f"{rate} Hz" in p for p in papers(app))]
    assert "500 Hz" in rates and "100 Hz" in rates
    sentences = [c.value for c in app.caption if "does not apply" in c.value]
    assert len(sentences) == 2
    assert all("sampled at 100 Hz" in sentence for sentence in sentences)
    assert "notch 60 Hz" in sentences[0] and "low-pass 150 Hz" in sentences[1]
    ours, *_, theirs = papers(app)
    assert "notch 60 Hz, low-pass 150 Hz" in ours and "no filter" in theirs


@pytest.mark.parametrize(("speed", "wide"), [("25", False), ("50", True)])
def test_wide_paper_begins_where_the_window_is_and_says_so(opened, demo, speed, wide):
    statement = next(p.statement for p in demo.prototypes if p.branch == "morphology")
    windows = [
        prototype.window_s
        for prototype in demo.prototypes
        if prototype.branch == "morphology" and prototype.statement == statement
    ]
    late = [window for window in windows if sum(window) / 2 > 5]
    across = [window for window in windows if sum(window) / 2 <= 5 < window[1]]

    app = opened("library", branch="morphology", speed=speed)

    lines = [c.value for c in app.caption]
    assert late and sum(LATE in line for line in lines) == wide * len(late)
    # A beat like the window may lie to the right of it.
    assert wide * len(across) <= sum(GOES_ON in line for line in lines) <= wide * len(windows)


def test_the_model_reads_the_unfiltered_ecg(opened):
    raw, filtered = opened("explain"), opened("explain", **CHOSEN)

    for ours, theirs in zip(raw.radio, filtered.radio, strict=True):
        assert ours.options == theirs.options
        assert ours.proto.captions == theirs.proto.captions
    assert "the model always reads the unfiltered ECG" in captions(raw)


def test_what_is_wrong_in_the_url_is_passed_over(opened):
    app = opened(
        "library", leads="13", speed="0", gain="-1", highpass="nan", strip="aVX", order="x"
    )

    assert papers(app)[0].startswith("25 mm/s   10 mm/mV   ")
    assert leads(figures(app)[0])[-1] == "II"
