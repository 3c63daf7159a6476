"""The printed page, read back from the PDF: its size, its millimetres, its words."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pypdfium2
import pytest
from edfio import Edf, EdfSignal, Patient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from protoecg.__main__ import main
from protoecg.ecg import ECG, LEADS
from protoecg.evidence.change import compare
from protoecg.explanation import Explanation, Finding, Match, Unnamed
from protoecg.labels import PTBXL
from protoecg.measure import measure
from protoecg.printing.case import PrintedCase, leading_case
from protoecg.printing.report import EDGE, HEAD, NOTICE, PAPERS, pdf
from protoecg.printing.tracing import GRID_HEIGHT, GRID_WIDTH
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import Waveforms
from protoecg.readers import read_ecg
from protoecg.simulate import simulate

PX_PER_MM = 20
INK = 120
POINTS = {"A4": (841.89, 595.28), "letter": (792, 612)}
PROTOTYPE = Prototype(
    name="morphology-PVC-0",
    branch="morphology",
    statement="PVC",
    record="records100/00000/00042_lr",
    window_s=(1.0, 1.95),
    statements=("PVC",),
    patient="7",
    age=60,
    sex="female",
    sha256="0" * 64,
)
WHOLE = replace(PROTOTYPE, name="rhythm-AFIB-0", branch="rhythm", window_s=(0.0, 10.0))
NOTHING = Finding(PTBXL["WPW"], 0.01, 0.4, -4.6, -4.6, False, ())


def found(code, probability, prototype, *, low_evidence=False):
    match = Match(prototype, 0.81, 2.0, 1.62, (3.25, 4.2) if prototype is PROTOTYPE else (0, 10))
    return Finding(PTBXL[code], probability, 0.3, 1.0, -1.0, low_evidence, (match,))


EXPLANATION = Explanation(
    bundle="Tiny",
    simulated=True,
    source="a.csv",
    notes=("Lead V6 is noisy.",),
    abstains=None,
    findings=(
        found("AFIB", 0.93, WHOLE),
        found("PVC", 0.41, PROTOTYPE, low_evidence=True),
        NOTHING,
    ),
)


@pytest.fixture(scope="module")
def ecg():
    return simulate(["PVC"], seed=1, rate=500).ecg


@pytest.fixture(scope="module")
def measured(ecg):
    return measure(ecg)


def opened(content):
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1
    return document[0]


def words(content):
    """All text of the page, on one line."""
    return " ".join(opened(content).get_textpage().get_text_range().split())


def printed(ecg, measured, explanation=EXPLANATION, **options):
    return pdf(ecg, explanation, measured, revision="0123456789abcdef", **options)


def picture(content, left, right, bottom, top):
    """Levels of grey of a part of the page, its edges in mm from the page's lower left."""
    page = opened(content)
    width, height = (points / 72 * 25.4 for points in page.get_size())
    crop = [mm / 25.4 * 72 for mm in (left, bottom, width - right, height - top)]
    part = page.render(scale=PX_PER_MM * 25.4 / 72, crop=crop, grayscale=True).to_numpy()
    return part.reshape(part.shape[0], part.shape[1])


def lines_mm(levels, darker_than):
    """Middle of each line in a profile of grey levels, in mm."""
    dark = np.concatenate([[0], levels < darker_than, [0]])
    edges = np.flatnonzero(np.diff(dark))
    return edges.reshape(-1, 2).mean(axis=1) / PX_PER_MM


@pytest.fixture(scope="module")
def flat():
    """Nothing but the calibration pulses rises from its lines."""
    signal = np.zeros((12, 5000), dtype=np.float32)
    signal[LEADS.index("V6")] = np.linspace(0, 0.1, 5000)
    return ECG(signal, 500, "flat")


@pytest.mark.parametrize("paper", PAPERS)
def test_the_report_is_one_page_of_the_paper_that_was_asked_for(paper, ecg, measured):
    size = opened(printed(ecg, measured, paper=paper)).get_size()
    assert size == pytest.approx(POINTS[paper], abs=0.01)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_calibration_pulse_is_ten_millimetres_high_and_five_wide(paper, flat, measured):
    content = printed(flat, measured, paper=paper)
    width, height = (points / 72 * 25.4 for points in POINTS[paper])
    left = (width - GRID_WIDTH) / 2
    pulse = (
        picture(content, left + 1, left + 9.8, height - EDGE - HEAD - 28, height - EDGE - HEAD - 1)
        < INK
    )

    columns = pulse.sum(axis=0) / PX_PER_MM
    rises = lines_mm(-columns, -5)
    rows = lines_mm(-pulse[:, round(4 * PX_PER_MM)].astype(float), -0.5)
    assert np.diff(rises) == pytest.approx([5.0], abs=0.1)
    # The top of a pulse and the next zero line do not lie in one column.
    feet = lines_mm(-pulse[:, round(1.5 * PX_PER_MM)].astype(float), -0.5)
    assert feet[0] - rows[0] == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize("paper", PAPERS)
def test_large_squares_measure_five_millimetres_both_ways(paper, flat, measured):
    content = printed(flat, measured, paper=paper)
    width, height = (points / 72 * 25.4 for points in POINTS[paper])
    left, top = (width - GRID_WIDTH) / 2, height - EDGE - HEAD

    across = picture(content, left - 1, left + GRID_WIDTH + 1, top - 1.7, top - 1.3)
    up = picture(content, left + 0.3, left + 0.7, top - GRID_HEIGHT - 1, top + 1)
    for levels, length in ((across.mean(axis=0), GRID_WIDTH), (up.mean(axis=1), GRID_HEIGHT)):
        large = lines_mm(levels, 215)
        assert len(large) == length / 5 + 1
        assert np.diff(large) == pytest.approx(5.0, abs=0.1)
        assert large[-1] - large[0] == pytest.approx(length, abs=0.1)


def test_the_page_says_how_it_was_printed_and_what_it_is_for(ecg, measured):
    text = words(printed(ecg, measured))
    assert "25 mm/s 10 mm/mV 500 Hz" in text and NOTICE in text
    assert "bundle Tiny (simulated), revision 0123456789abcdef" in text
    assert "Lead V6 is noisy." in text


def test_the_header_line_stands_above_the_tracing_with_its_limits_below(ecg, measured):
    text = words(printed(ecg, replace(measured, pr_ms=231.0)))
    assert f"Rate {measured.heart_rate_bpm:.0f} bpm" in text
    assert "PR 231 ms (long)" in text and "PR 231 ms, long 120 to 200 ms" in text
    assert "computed, QTc by Fridericia" in text


def test_findings_are_told_in_words_likely_before_possible(ecg, measured):
    possible = Finding(PTBXL["LVH"], 0.2, 0.4, -1.0, -1.0, False, (), possible_from=0.1)
    explanation = replace(EXPLANATION, findings=(*EXPLANATION.findings, possible))
    text = words(printed(ecg, measured, explanation))
    assert "Likely Ventricular premature complex (PVC), 41 %, low evidence" in text
    assert "Rhythm Atrial fibrillation (AFIB), 93 %" in text
    assert "Possible Left ventricular hypertrophy (LVH), 20 %" in text
    assert "WPW" not in text


def test_what_cannot_wait_comes_first_and_what_contradicts_stands_below(ecg, measured):
    block = replace(found("3AVB", 0.6, WHOLE), contradictions=("PR is steady.",))
    explanation = replace(EXPLANATION, findings=(*EXPLANATION.findings, block))
    text = words(printed(ecg, measured, explanation))
    assert "Critical, likely Third degree AV block (3AVB), 60 % PR is steady. Likely" in text


def test_what_stands_out_and_no_finding_speaks_of_comes_before_the_findings(ecg, measured):
    text = "QTc 560 ms: prolonged, though no finding says so."
    explanation = replace(EXPLANATION, unnamed=(Unnamed("qtc", text),))
    printed_words = words(printed(ecg, measured, explanation))
    assert f"{text} Likely" in printed_words


def test_what_cannot_wait_stands_first_though_it_is_only_possible(ecg, measured):
    block = Finding(PTBXL["3AVB"], 0.2, 0.4, -1.0, -1.0, False, (), possible_from=0.1)
    text = words(
        printed(ecg, measured, replace(EXPLANATION, findings=(found("LVH", 0.9, WHOLE), block)))
    )
    assert "Critical, only possible Third degree AV block (3AVB), 20 % Likely Left" in text


def test_where_the_model_abstains_no_finding_is_called_likely(ecg, measured):
    text = words(printed(ecg, measured, replace(EXPLANATION, abstains="It abstains: unusual.")))
    assert "Nothing is said: the model abstains." in text
    assert "Likely" not in text and "Possible" not in text


@pytest.mark.parametrize("finding", [0, 1])
def test_the_leading_case_stands_beside_the_patient_s_beat(ecg, measured, finding):
    only = replace(EXPLANATION, findings=(EXPLANATION.findings[finding],))
    prototype = replace(
        only.findings[0].matches[0].prototype,
        statement=only.findings[0].code,
        likelihood=100.0,
        validated=True,
        report="alt.",
    )
    match = replace(only.findings[0].matches[0], prototype=prototype)
    case = PrintedCase(only.findings[0], match, simulate(["PVC"], seed=2, rate=100).ecg)
    text = words(printed(ecg, measured, only, case=case))
    assert f"Looks like: {case.finding.statement.description}" in text and "similarity" not in text
    assert "records100/00000/00042_lr, female, 60 years, likelihood 100 %, validated" in text
    assert "Report of its ECG: alt." in text and "25 mm/s" in text
    assert ("compared below" in text) == (finding == 1)


def global_case(other):
    """A finding of the global branch, whose case is the whole of another ECG."""
    prototype = replace(WHOLE, name="global-DIG-0", branch="global", statement="DIG")
    finding = found("DIG", 0.8, prototype)
    return PrintedCase(finding, finding.matches[0], other)


def test_of_a_global_finding_the_median_beats_are_printed_as_on_the_screen(ecg, measured):
    case = global_case(simulate(["LVH"], seed=2, rate=100).ecg)
    text = words(printed(ecg, measured, case=case))
    assert "Median beats, aligned at the QRS onset" in text and "The first" not in text
    # In all twelve leads, beside those of the tracing.
    assert all(text.split().count(lead) >= 2 for lead in LEADS)


def test_where_an_ecg_has_no_median_beat_both_strips_are_printed(ecg, measured):
    noise = np.random.default_rng(0).normal(scale=0.2, size=(12, 5000)).astype(np.float32)
    text = words(printed(ecg, measured, case=global_case(ECG(noise, 500))))
    assert "Median beats" not in text and "s of both, as the whole strip is compared" in text


def test_a_case_whose_ecg_is_missing_is_named_all_the_same(ecg, measured):
    finding = EXPLANATION.findings[1]
    text = words(printed(ecg, measured, case=PrintedCase(finding, finding.matches[0], None)))
    assert "Looks like: ventricular premature complex" in text
    assert "Its ECG is not on this machine" in text


def test_the_case_to_look_at_first_is_of_what_is_read_first(tmp_path):
    block = found("3AVB", 0.6, replace(PROTOTYPE, name="rhythm-3AVB-0", statement="3AVB"))
    explanation = replace(EXPLANATION, findings=(*EXPLANATION.findings, block))
    case = leading_case(explanation, Waveforms(tmp_path))
    assert (case.finding.code, case.match.prototype.name, case.ecg) == (
        "3AVB",
        "rhythm-3AVB-0",
        None,
    )


@pytest.fixture(scope="module")
def since(measured):
    then = replace(
        EXPLANATION,
        source="earlier.edf",
        quality=("Lead V3 is still for 3.0 s.",),
        findings=(
            replace(found("AFIB", 0.02, WHOLE), logit=-2.0),
            found("PVC", 0.41, PROTOTYPE, low_evidence=True),
            NOTHING,
        ),
    )
    slower = replace(
        measured, heart_rate_bpm=measured.heart_rate_bpm - 40, qt_ms=None, axis_deg=-100.0
    )
    return compare(then, EXPLANATION, slower, measured)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_earlier_ecg_is_named_with_what_changed(paper, ecg, measured, since):
    text = words(printed(ecg, measured, since=since, paper=paper))
    assert "Since the earlier ECG, earlier.edf" in text and "Which ECG is the earlier" in text
    assert "Earlier ECG: Lead V3 is still for 3.0 s." in text
    now = round(measured.heart_rate_bpm)
    assert f"Heart rate {now - 40} to {now} bpm (+40)" in text
    assert "QRS axis \N{MINUS SIGN}100 to " in text and "°" in text and "-100" not in text
    assert "QT unsure to" not in text
    assert "Newly likely: Atrial fibrillation (AFIB), 2 % to 93 %" in text
    assert "likely in both" not in text.lower()


def test_what_changed_stands_below_the_measurements_and_leaves_the_findings_large(
    ecg, measured, since
):
    def letters(of, **changed):
        (page,) = pypdfium2.PdfDocument(printed(ecg, measured, many, **changed))
        text = page.get_textpage()
        start = text.get_text_range().index(of)
        left, bottom, _, top = text.get_charbox(start)
        return left, top - bottom

    many = replace(
        EXPLANATION, findings=tuple(found(code, 0.9, PROTOTYPE) for code in list(PTBXL)[:12])
    )
    alone, beside = letters("Likely"), letters("Likely", since=since)
    assert beside[1] == pytest.approx(alone[1], rel=0.01)
    assert letters("Since the earlier ECG", since=since)[0] > 2 * beside[0]


@pytest.mark.parametrize("paper", PAPERS)
def test_on_a_full_page_what_came_or_went_is_still_told(paper, ecg, measured, since):
    full = replace(
        EXPLANATION,
        abstains="The model abstains: unusual.",
        notes=("A long note. " * 30,) * 9,
        findings=tuple(found(code, 0.9, PROTOTYPE) for code in list(PTBXL)[:20]),
    )
    text = words(printed(ecg, measured, full, since=since, paper=paper))
    assert "Newly likely" in text and "Atrial fibrillation (AFIB)" in text
    assert NOTICE in text and "Print at actual size" in text


def test_without_an_earlier_ecg_nothing_is_said_of_one(ecg, measured):
    assert "earlier" not in words(printed(ecg, measured)).lower()


def test_what_finds_no_room_is_counted_and_nothing_is_cut(ecg, measured):
    likely = tuple(found(code, 0.9, PROTOTYPE) for code in PTBXL)
    text = words(printed(ecg, measured, replace(EXPLANATION, findings=likely)))
    assert "more, all on screen" in text and "\N{HORIZONTAL ELLIPSIS}" not in text


def test_a_long_name_is_printed_whole(ecg, measured):
    name = "a-very-long-name-" * 14 + "end.csv"
    text = words(pdf(ECG(ecg.signal, ecg.rate, name), EXPLANATION, measured, revision="0"))
    assert name in text.replace(" ", "")


def test_nothing_likely_is_said(ecg, measured):
    text = words(printed(ecg, measured, replace(EXPLANATION, findings=(NOTHING,))))
    assert "No statement is likely." in text


def test_an_ecg_with_flat_leads_that_the_model_abstains_from_is_printed(flat):
    abstaining = replace(EXPLANATION, abstains="The model abstains: unusual.", notes=flat.notes)
    text = words(pdf(flat, abstaining, measure(flat), revision="0"))
    assert "The model abstains: unusual." in text and "not to be relied on" in text
    assert "No signal in leads" in text and "Rate unsure" in text


def test_a_lead_far_from_zero_is_brought_back_and_that_is_said(ecg, measured):
    far = ECG(ecg.signal + 9 * (np.arange(12) == 6)[:, None], ecg.rate)
    assert "baseline moved to zero in V1 25 mm/s" in words(printed(far, measured))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(min_size=1, max_size=400))
@example(text="a\x00\n\u202eb ) Tj ET (\\ <b>&amp; %s \ud800 \U0001f600 " * 9)
def test_no_words_of_others_break_the_page(text, flat, measured):
    hostile = replace(EXPLANATION, bundle=text, notes=(text,) * 9, abstains=text)
    page = words(pdf(ECG(flat.signal, 500, text), hostile, measured, revision="0"))
    assert NOTICE in page and "Nothing is said" in page


def test_the_same_ecg_gives_the_same_file_without_a_date(ecg, measured):
    assert printed(ecg, measured) == printed(ecg, measured)


def test_the_patient_of_a_file_is_nowhere_in_its_report(ecg, measured):
    signals = [
        EdfSignal(lead.astype(float), 500, label=name, physical_dimension="mV")
        for name, lead in zip(LEADS, ecg.signal, strict=True)
    ]
    written = BytesIO()
    Edf(signals, patient=Patient(code="4711", name="Jane_Doe")).write(written)
    assert b"Jane" in written.getvalue()
    read = read_ecg({"visit.edf": written.getvalue()})
    explanation = replace(EXPLANATION, notes=read.notes, source=read.source)
    content = printed(read, measured, explanation)
    about = opened(content).pdf.get_metadata_dict().values()
    assert not any(secret in words(content) + str(about) for secret in ("Doe", "Jane", "4711"))


def test_the_command_writes_a_page_on_the_paper_that_was_asked_for(tiny_bundle, ecg, tmp_path):
    np.save(tmp_path / "ecg.npy", ecg.signal)
    out = tmp_path / "report.pdf"
    options = ["--rate", "500", "--bundle", str(tiny_bundle.path), "--paper", "letter"]
    assert main(["report", str(tmp_path / "ecg.npy"), *options, "--out", str(out)]) == 0
    assert opened(out.read_bytes()).get_size() == POINTS["letter"]
    assert tiny_bundle.revision in words(out.read_bytes())


def test_the_command_names_the_earlier_ecg_with_what_changed(tiny_bundle, ecg, tmp_path):
    slower = simulate(["SBRAD"], seed=1, rate=500).ecg.signal
    for name, signal in (("now.npy", ecg.signal), ("then.npy", slower)):
        np.save(tmp_path / name, signal)
    earlier = ["--earlier", str(tmp_path / "then.npy"), "--out", str(tmp_path / "report.pdf")]
    options = ["--rate", "500", "--bundle", str(tiny_bundle.path)]
    assert main(["report", str(tmp_path / "now.npy"), *options, *earlier]) == 0
    text = words((tmp_path / "report.pdf").read_bytes())
    assert "Since the earlier ECG, then.npy" in text
