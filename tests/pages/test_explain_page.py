import json

import numpy as np
import pytest

from pages.ecg.picking import NOW
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECG, LEADS
from protoecg.explain import explain
from protoecg.simulate import example, simulate
from training.measure.abstention import SPOILS

AFIB = "Atrial fibrillation"


def words(app) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader]
    return "\n".join(element.value for element in elements)


def heading(app) -> str:
    return next(m.value for m in app.markdown if m.value.startswith("### "))


def figures(app) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def present(app) -> list[str]:
    return [label.split("(")[-1].rstrip(")") for label in app.radio(key="present").options]


def test_likely_findings_are_listed_first_and_possible_ones_after_them(page, demo: Bundle):
    app = page("explain", example=AFIB)

    found = explain(example(AFIB), demo).findings
    sure = [finding for finding in found if finding.certainty != "absent"]
    assert present(app) == [finding.code for finding in sure]
    assert [f.certainty for f in sure] == sorted(f.certainty for f in sure)
    assert app.radio(key="present").value == found[0].code


def test_the_share_of_each_lead_is_told_and_stands_in_the_comparison(page, demo: Bundle):
    found = explain(example("Premature ventricular complexes"), demo).findings
    finding = next(f for f in found if f.present and f.branch == "morphology")
    match = finding.matches[0]
    app = page("explain", example="Premature ventricular complexes", finding=finding.code)

    (lead, share), *_ = match.lead_shares.items()
    assert f"Of the similarity, **{wording.share(share)} {lead}**" in words(app)
    (drawn,) = [
        t["text"] for f in figures(app) for t in f["data"] if t.get("name") == "lead shares"
    ]
    assert drawn == [wording.share(match.lead_shares[lead]) for lead in LEADS]


def test_of_a_whole_strip_the_leads_are_silenced_in_turn(page):
    assert "each silenced in turn" in words(page("explain", example=AFIB, finding="AFIB"))


def test_every_statement_can_be_reached(page, demo: Bundle):
    app = page("explain", example=AFIB)

    absent = [label.split("(")[-1].rstrip(")") for label in app.selectbox(key="absent").options]
    assert sorted(present(app) + absent) == sorted(demo.statements)


def test_an_absent_statement_shows_its_matches_too(page, demo: Bundle):
    app = page("explain", example=AFIB)
    found = explain(example(AFIB), demo).findings
    code = [f for f in found if f.certainty == "absent" and f.matches][-1].code

    app.selectbox(key="absent").select(code).run()

    assert f"({code})" in heading(app)
    assert ": absent (possible from" in words(app)
    assert code in app.query_params["finding"]
    assert len(figures(app)) == 4


def test_the_query_is_marked_where_the_chosen_match_is(page, demo: Bundle):
    finding = next(
        f
        for f in explain(example("Premature ventricular complexes"), demo).findings
        if f.branch == "morphology" and f.matches[0].prototype.branch == "morphology"
    )
    app = page(
        "explain",
        example="Premature ventricular complexes",
        finding=finding.code,
        evidence="for it",
    )

    bands = [t for t in figures(app)[0]["data"] if t.get("fill") == "toself"]
    shown = [band for band in bands if band["opacity"] == 1]
    assert [band["name"] for band in shown] == ["match 1"]
    assert finding.matches[0].prototype.name in app.radio(key="match choice").options[0]


def test_the_url_alone_brings_back_finding_and_match(page, demo: Bundle):
    sides = [
        (finding.code, side, [m.prototype.name for m in ordered if (m.contribution > 0) == pro])
        for finding in explain(example(AFIB), demo).findings[1:]
        for side, pro, ordered in (
            ("for it", True, finding.matches),
            ("against it", False, finding.matches[::-1]),
        )
    ]
    code, side, names = max(sides, key=lambda found: len(found[2]))
    match = names[:5][-1]

    app = page("explain", example=AFIB, finding=code, evidence=side, match=match)

    assert f"({code})" in heading(app)
    assert app.radio(key="match choice").value == match


def test_twelve_full_leads_show_the_window_in_every_lead(page):
    app = page("explain", example=AFIB, leads="12 in full")

    leads = [t["name"] for t in figures(app)[0]["data"] if t["name"] in LEADS]
    assert leads == list(LEADS)


def test_what_is_wrong_in_the_url_is_passed_over(page):
    app = page("explain", example=AFIB, finding="<script>", match="../../x", bundle="nowhere")

    assert app.radio(key="present").value


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

    assert page("explain", bundle="real").error
    assert page("explain", bundle="demo", example=AFIB).radio(key="present").value


def test_without_any_bundle_the_page_says_what_to_do(page, monkeypatch, tmp_path):
    monkeypatch.setenv("PROTOECG_MODELS", str(tmp_path / "none"))

    assert "make demo" in page("explain").error[0].value


def test_switching_all_prototypes_off_leaves_the_bias(page, demo: Bundle):
    app = page("explain", example=AFIB)
    found = explain(example(AFIB), demo).findings[0]
    before = present(app)

    app.multiselect[0].set_value([m.prototype.name for m in found.matches]).run()

    assert not app.exception
    supposed = next(m.value for m in app.markdown if m.value.startswith("Supposed, not found"))
    assert f"**{wording.signed(found.bias)}**" in supposed
    assert "→ **absent**" in supposed
    assert present(app) == before


def test_a_link_says_what_is_switched_off(page, demo: Bundle):
    found = explain(example(AFIB), demo).findings[0]
    name = found.matches[0].prototype.name

    app = page("explain", example=AFIB, finding=found.code, **{f"without_{found.code}": name})

    assert app.multiselect[0].value == [name]
    assert "Supposed, not found" in words(app)


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


def test_no_verdict_is_said_where_the_model_abstains(page, models, monkeypatch):
    noise = np.random.default_rng(0).normal(0, 3, (12, 5000)).astype(np.float32)
    monkeypatch.setattr(
        "pages.ecg.picking.picked",
        lambda slot=NOW: ("noise", ECG(noise, 500.0)) if slot is NOW else None,
    )

    app = page("explain")

    assert "no verdict, as the model abstains" in words(app)
    assert not {"likely", "possible"} & set(words(app).split())
    assert app.selectbox(key="absent").label.startswith("Others")


def test_a_finding_that_measurements_contradict_is_marked_in_the_list(page, demo: Bundle):
    name = "Long QT interval"
    found = {f.code: f for f in explain(example(name), demo).findings}
    assert found["NORM"].contradictions
    (listed,) = [r for r in page("explain", example=name).radio if r.key == "present"]
    captions = dict(zip(listed.options, listed.proto.captions, strict=True))
    marked = {option for option, caption in captions.items() if "contradicted" in caption}
    assert marked == {option for option in captions if "(NORM)" in option}
