import base64
import json
import re

import numpy as np
import pytest
from scipy.special import logit

from pages.ecg.picking import NOW
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECG, LEADS
from protoecg.evidence.leads import telling_leads
from protoecg.evidence.likeness import Likeness
from protoecg.evidence.what_if import without
from protoecg.explain import explain
from protoecg.labels import PTBXL
from protoecg.measure import measure
from protoecg.simulate import example, simulate
from protoecg.summary import header, summarised
from training.measure.abstention import SPOILS
from training.measure.known_changes import heights
from training.measure.known_changes.subject import Subject

AFIB, PVC = "Atrial fibrillation", "Premature ventricular complexes"


def words(app) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(element.value for element in elements)


def heading(app) -> str:
    return next(m.value for m in app.markdown if m.value.startswith("### "))


def figures(app) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def decoded(values: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def button(app, label: str):
    return next(one for one in app.button if one.label == label)


def plain(text: str) -> str:
    return text.replace("\\", "")


GROUPS = ("likely", "rhythm", "possible", "possible, critical")


def listed(app) -> dict[str, list[str]]:
    """The codes of each group of statements."""
    groups = {radio.key: radio for radio in app.radio if radio.key in GROUPS}
    return {
        key: [caption.split()[0] for caption in groups[key].proto.captions] if key in groups else []
        for key in GROUPS
    }


def shown(app) -> str | None:
    """The code of the statement that is looked at."""
    widgets = [*(app.radio(key=key) for key, codes in listed(app).items() if codes)]
    return next((w.value for w in [*widgets, app.selectbox(key="other")] if w.value), None)


def test_statements_stand_in_the_order_of_a_reading(page, demo: Bundle):
    app = page("explain", example=AFIB)

    summary = summarised(explain(example(AFIB), demo))
    assert listed(app) == {
        "likely": [f.code for f in (*summary.critical, *summary.likely)],
        "rhythm": [f.code for f in summary.rhythm],
        "possible": [f.code for f in summary.possible],
        "possible, critical": [f.code for f in summary.possible_critical],
    }
    assert shown(app) == summary.foremost.code == "AFIB"


def test_the_header_line_is_always_there_and_says_what_is_out_of_limits(page):
    (line,) = [m.value for m in page("explain", example=AFIB).markdown if "**Rate**" in m.value]
    values = header(measure(example(AFIB)))
    assert all(value.value in line for value in values)
    assert "**PR** unsure" in line and "computed; QTc Fridericia" in line
    (line,) = [
        m.value for m in page("explain", example="Long QT interval").markdown if "**Rate" in m.value
    ]
    assert re.search(r":red[a-z-]*\[\*\*QT/QTc [^]]*long\]", line)


def test_the_exact_sum_waits_for_its_click_and_holds_the_leads_shares(page, demo: Bundle):
    found = explain(example(PVC), demo).findings
    finding = next(f for f in found if f.present and f.branch == "morphology")
    match = finding.matches[0]
    app = page("explain", example=PVC, finding=finding.code)
    assert "Of the similarity" not in words(app) and "× weight" not in words(app)
    assert len(figures(app)) == 2

    app = page("explain", example=PVC, finding=finding.code, sum="true")

    (lead, share), *_ = match.lead_shares.items()
    assert f"Of the similarity, **{wording.share(share)} {lead}**" in words(app)
    assert f"contribution **{wording.signed(match.contribution)}**" in words(app)
    assert len(figures(app)) == 3


def test_of_a_whole_strip_the_leads_are_silenced_in_turn(page):
    app = page("explain", example=AFIB, finding="AFIB", sum="true")
    assert "each silenced in turn" in words(app)


def test_a_rhythm_is_shown_by_what_is_measured_and_nothing_is_laid_over_the_paper(page):
    tracing, strips = figures(page("explain", example=AFIB, finding="AFIB", marks="true"))
    for figure in (tracing, strips):
        names = [trace.get("name") for trace in figure["data"]]
        assert "RR intervals" in names and "QRS waves" in names and "P waves" not in names
        assert not any(trace.get("fill") for trace in figure["data"])


@pytest.mark.parametrize(("code", "places"), [("NORM", [1]), ("SR", []), ("1AVB", [2])])
def test_beats_stand_before_strips_but_for_blocks_and_a_rhythm_has_none(page, code, places):
    app = page("explain", example="Normal sinus rhythm", finding=code)
    laid_over = {
        place: figure
        for place, figure in enumerate(figures(app))
        if {"this ECG", "the case"} <= {trace.get("name") for trace in figure["data"]}
    }
    assert list(laid_over) == places
    for figure in laid_over.values():
        of = {t["hovertemplate"].split(":")[0] for t in figure["data"] if t["name"] == "the case"}
        assert of == set(LEADS)


def test_beats_like_the_matched_one_are_marked_where_its_leads_are_printed(page, monkeypatch):
    monkeypatch.setattr("pages.explanation.exact.telling", lambda *_: ("I", "aVR", "V1", "V6"))
    app = page("explain", example=PVC, finding="PVC")
    marked = [t for t in figures(app)[0]["data"] if t.get("line", {}).get("dash") == "dash"]
    assert marked and all(trace["name"].startswith("alike, r ") for trace in marked)
    assert "Nothing was decided by them" in words(app)


def test_early_beats_that_count_are_marked_and_said(page, monkeypatch):
    # The demo bundle has no measurements in its sums.
    spans = [(2.0, 2.4), (6.1, 6.5)]
    monkeypatch.setattr("pages.ecg.marks.early_beats", lambda *_: spans)
    app = page("explain", example=PVC, finding="PVC")
    bands = [t for t in figures(app)[0]["data"] if t["name"] == "early" and t.get("fill")]
    assert [(min(x), max(x)) for x in (decoded(trace["x"]) for trace in bands)] == spans
    assert "beats that come early, as measured" in words(app)


def test_an_ordinary_ecg_is_said_to_be_one_with_what_is_measured_out_of_limits(page):
    name = "Normal sinus rhythm"
    app = page("explain", example=name)
    assert shown(app) == "NORM"
    (text,) = [m.value for m in app.markdown if "Read as a normal ECG" in m.value]
    flagged = [value.words for value in header(measure(example(name))) if value.flag]
    assert flagged and f"Measured out of limits: **{', '.join(flagged)}**" in text


def test_every_statement_can_be_reached_the_nearest_misses_first(page, demo: Bundle):
    app = page("explain", example=AFIB)

    others = [re.search(r"\((\S+)\) ·", label)[1] for label in app.selectbox(key="other").options]
    assert sorted(sum(listed(app).values(), others)) == sorted(demo.statements)
    found = {f.code: f for f in explain(example(AFIB), demo).findings}
    missed = [logit(found[c].possible_from or found[c].threshold) - found[c].logit for c in others]
    assert missed == sorted(missed)


def test_an_absent_statement_shows_its_cases_too(page, demo: Bundle):
    app = page("explain", example=AFIB)
    found = explain(example(AFIB), demo).findings
    last = [f for f in found if f.certainty == "absent" and f.matches][-1]
    code = last.code

    app.selectbox(key="other").select(code).run()

    assert heading(app).removeprefix("### ").lower() == last.statement.description.lower()
    assert "**Absent**, " in words(app)
    assert code in app.query_params["finding"]
    assert len(figures(app)) == 2


def test_the_beat_is_marked_on_the_tracing_and_on_every_lead_that_tells(page, demo: Bundle):
    name, code = "Anteroseptal myocardial infarction", "ASMI"
    tracing, beat = figures(page("explain", example=name, finding=code, bundle="demo"))

    band, *like = [t for t in tracing["data"] if t.get("fill") == "toself"]
    assert band["name"] == "compared below"
    assert all(trace["line"]["dash"] == "dash" for trace in like)
    (names,) = [t for t in beat["data"] if t.get("name") == "lead names"]
    upper = sorted(zip(names["y"], names["x"], names["text"], strict=True), key=lambda at: at[1])
    top = max(names["y"])
    first = [lead for y, _, lead in upper if y > top - 1.5][: len(telling_leads(PTBXL[code]))]
    assert set(first) == set(telling_leads(PTBXL[code]))
    (marks,) = [t for t in beat["data"] if t.get("name") == "telling leads"]
    assert marks["fill"] == "toself"


def test_the_url_alone_brings_back_finding_and_case(page, demo: Bundle):
    sides = [
        (finding.code, side, [m.prototype.name for m in ordered if sign * m.contribution > 0.005])
        for finding in explain(example(AFIB), demo).findings[1:]
        for side, sign, ordered in (
            ("for", 1, finding.matches),
            ("against", -1, finding.matches[::-1]),
        )
    ]
    code, side, names = max(sides, key=lambda found: len(found[2]))

    app = page("explain", example=AFIB, finding=code, evidence=side, match=names[-1])

    assert f"Case {len(names)} of {len(names)}" in words(app)
    assert f"{names[-1]} · " in words(app)
    assert button(app, "Next case").disabled


def test_the_next_case_is_a_click_away_and_none_that_adds_nothing_is_offered(page, demo: Bundle):
    found = next(f for f in explain(example(AFIB), demo).findings if f.code == "AFIB")
    names = [m.prototype.name for m in found.matches if m.contribution >= 0.005]
    app = page("explain", example=AFIB, finding="AFIB")
    assert f"Case 1 of {len(names)}" in words(app)

    button(app, "Next case").click().run()

    assert f"Case 2 of {len(names)}" in words(app)
    assert f"{names[1]} · " in words(app)


def test_when_the_case_looks_unlike_the_page_says_so(page, monkeypatch):
    unlike = Likeness(0.0, dict.fromkeys(LEADS, -0.7))
    monkeypatch.setattr("pages.explanation.finding.likeness", lambda *_: unlike)
    name = "Anteroseptal myocardial infarction"
    (text,) = [w.value for w in page("explain", example=name, finding="ASMI").warning]
    assert "opposite polarity in V1 (−0.70)" in text


def test_twelve_full_leads_show_the_window_in_every_lead(page):
    app = page("explain", example=AFIB, leads="12 in full")

    leads = [t["name"] for t in figures(app)[0]["data"] if t["name"] in LEADS]
    assert leads == list(LEADS)


def test_what_is_wrong_in_the_url_is_passed_over(page):
    app = page("explain", example=AFIB, finding="<script>", match="../../x", bundle="nowhere")

    assert shown(app)


def test_an_upload_that_is_no_longer_kept_is_asked_for_again(page):
    app = page("explain", ecg="unknown")

    assert "Upload it again" in words(app)


def test_notes_about_the_ecg_stand_before_the_findings(page):
    app = page("explain", example=AFIB)

    assert any("computed, not recorded" in caption.value for caption in app.caption)


@pytest.mark.parametrize("damage", ["weights.safetensors", "prototypes.json", "bundle.json"])
def test_a_damaged_bundle_says_so_and_leaves_the_others_usable(
    page, models, real_without_ecgs: Bundle, damage: str
):
    (models / "real" / damage).write_bytes(b"{")

    text = page("explain", bundle="real").error[0].value
    assert text and str(models) not in text.replace("\\", "")
    assert shown(page("explain", bundle="demo", example=AFIB))


def test_without_any_bundle_the_page_says_what_to_do(page, monkeypatch, tmp_path):
    monkeypatch.setenv("PROTOECG_MODELS", str(tmp_path / "none"))

    assert "make demo" in page("explain").error[0].value


def test_switching_all_cases_off_leaves_the_rest_of_the_sum(page, demo: Bundle):
    explanation = explain(example(AFIB), demo)
    found = next(f for f in explanation.findings if f.code == "AFIB")
    names = [m.prototype.name for m in found.matches]
    left = next(f for f in without(explanation, names).findings if f.code == "AFIB")
    before = listed(page("explain", example=AFIB))

    app = page("explain", example=AFIB, finding="AFIB", without=names)

    supposed = next(m.value for m in app.markdown if m.value.startswith("Supposed, not found"))
    rest = found.bias + sum(m.contribution for m in found.measured)
    assert left.logit == pytest.approx(rest)
    assert f"**{wording.probability(left.probability)}**" in supposed and "logit" not in supposed
    assert "likely → **absent**" in supposed
    assert listed(app) == before


def test_a_case_is_switched_off_beside_it_and_stays_so_while_others_are_looked_at(
    page, demo: Bundle
):
    app = page("explain", example=AFIB, finding="AFIB")
    switch = next(toggle for toggle in app.toggle if toggle.label == "Counts")
    name = switch.key.removeprefix("counts ")

    switch.set_value(False).run()
    button(app, "Next case").click().run()

    assert name in app.query_params["without"]
    assert "without 1 of the cases" in words(app)
    button(app, "Count all cases again").click().run()
    assert "without" not in app.query_params
    assert "Supposed, not found" not in words(app)


def test_a_poor_recording_is_told_above_the_findings(page, monkeypatch):
    spoil = SPOILS["arm electrodes swapped"]
    normal = simulate(["NORM"], seed=3, rate=500).ecg
    swapped = ECG(spoil(normal.signal, normal.rate, np.random.default_rng(0)), normal.rate)
    monkeypatch.setattr(
        "pages.ecg.picking.picked",
        lambda slot=NOW: ("swapped", swapped) if slot is NOW else None,
    )

    (warning,) = [w.value for w in page("explain").warning if "poor recording" in w.value]

    assert "arm electrodes could be swapped" in warning


def test_a_measurement_far_beyond_the_ordinary_is_said_though_no_finding_says_so(
    page, demo, monkeypatch
):
    normal = Subject.of(simulate(["NORM"], seed=3, rate=500, noise_level=0.3).ecg)
    lowered = heights.st_level(normal, "V1 to V4", -0.3).ecg
    (lone,) = explain(lowered, demo).unnamed
    assert lone.name == "st_lowered"
    monkeypatch.setattr(
        "pages.ecg.picking.picked",
        lambda slot=NOW: ("lowered", lowered) if slot is NOW else None,
    )
    assert lone.sentence in plain(words(page("explain")))


def test_nothing_is_said_where_the_model_abstains(page, models, monkeypatch):
    noise = np.random.default_rng(0).normal(0, 3, (12, 5000)).astype(np.float32)
    monkeypatch.setattr(
        "pages.ecg.picking.picked",
        lambda slot=NOW: ("noise", ECG(noise, 500.0)) if slot is NOW else None,
    )

    app = page("explain")

    assert not any(m.value.startswith("### ") for m in app.markdown)
    certainties = {"likely", "possible", "absent"}
    assert not certainties & set(re.findall(r"\w+", words(app).lower()))
    assert "Nothing is said" in app.expander[-1].label

    app.selectbox(key="other").select_index(0).run()

    assert "not to be relied on, as the model abstains" in words(app)
    assert not certainties & set(re.findall(r"\w+", words(app).lower()))


def test_a_finding_that_measurements_contradict_is_marked_and_says_why(page, demo: Bundle):
    name = "Long QT interval"
    found = {f.code: f for f in explain(example(name), demo).findings}
    assert found["NORM"].contradictions
    app = page("explain", example=name)
    captions = [caption for radio in app.radio for caption in radio.proto.captions]
    marked = {caption.split()[0] for caption in captions if "contradicted" in caption}
    assert marked == {code for code, finding in found.items() if finding.contradictions}
    assert found["NORM"].contradictions[0].split(";")[0] in plain(words(app))
