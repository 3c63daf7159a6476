import json
import re
import zipfile
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pypdfium2
import pytest
from defusedxml import ElementTree
from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from pydicom import dcmread
from pydicom.uid import EncapsulatedPDFStorage

from protoecg.__main__ import main
from protoecg.batch.reports import file_name
from protoecg.explain import explain
from protoecg.explanation import Unnamed
from protoecg.hospital.codes import MEASURES, SNOMED, SNOMED_BY_SCP
from protoecg.hospital.dicom import Identity, IdentityError, encapsulated
from protoecg.hospital.fhir import RESEARCH, diagnostic_report
from protoecg.labels import PTBXL
from protoecg.measure import measure
from protoecg.prototypes.recalibration import Recalibration
from protoecg.simulate import simulate

NAME = "Doe_John_1950-01-01"


@pytest.fixture(scope="module")
def explained(tiny_bundle):
    """An ECG's measurements, and an explanation in which all three certainties occur."""
    ecg = simulate(["AFIB"], seed=1, rate=500).ecg
    explanation = explain(replace(ecg, source=f"{NAME}.hea"), tiny_bundle)
    limits = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    findings = tuple(
        replace(f, probability=0.5, threshold=limits[n % 3][0], possible_from=limits[n % 3][1])
        for n, f in enumerate(sorted(explanation.findings, key=lambda f: f.code != "AFIB"))
    )
    return replace(explanation, findings=findings, abstains=None), measure(ecg)


def contained(report, kind):
    return [one for one in report["contained"] if one["resourceType"] == kind]


def test_a_report_is_fhir_by_its_schema_and_refers_only_to_what_it_holds(explained):
    report = json.loads(json.dumps(diagnostic_report(*explained, revision="r1")))
    read = DiagnosticReport.model_validate(report)
    assert read.status == "preliminary"
    held = {f"#{one['id']}" for one in report["contained"]}
    results = [result["reference"] for result in report["result"]]
    devices = {one["device"]["reference"] for one in contained(report, "Observation")}
    assert {*results, *devices} == held and len(results) == len(set(results))


def parts_of(value, path="DiagnosticReport"):
    """Yield every object and text of a resource, with its place."""
    yield path, value
    if not isinstance(value, str | int | float):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from parts_of(part, f"{path}.{key}")


# R4's rules that its schema does not state, as HL7's validator has them.
VITAL_SIGNS = {
    *("85353-1", "9279-1", "8867-4", "2708-6", "8310-5", "8302-2", "9843-4", "29463-7", "39156-5"),
    *("85354-9", "8480-6", "8462-4", "8478-0"),
}


@pytest.mark.parametrize("abstains", [None, "It is unlike."])
def test_a_report_keeps_the_rules_that_no_schema_states(explained, abstains):
    explanation, measured = explained
    document = replace(explanation, abstains=abstains)
    report = json.loads(json.dumps(diagnostic_report(document, measured, revision="r1")))
    for path, part in parts_of(report):
        # ele-1: nothing is empty; texts have neither blanks at their ends nor control characters.
        assert part != [] and part != {} and part != "", path
        if isinstance(part, str):
            assert part == part.strip() and part.replace("\n", "").isprintable(), path
        if isinstance(part, dict) and "system" in part:
            assert urlsplit(part["system"]).scheme in ("http", "urn"), path
            # qty-3: a coded unit says its system; a code has one, too.
            assert part["code"] == part["code"].strip(), path
    # dom-2 to dom-5: what is contained contains nothing, is referred to, and has no meta.
    for one in report["contained"]:
        assert not {"contained", "meta", "text"} & set(one)
        assert json.dumps(report).count(f'"#{one["id"]}"') >= 1
        assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", one["id"])
    for one in contained(report, "Observation"):
        # obs-6: a value or why there is none; obs-7: no component is of the observation's own code.
        assert ("dataAbsentReason" in one) != any(key.startswith("value") for key in one)
        assert all(part["code"] != one["code"] for part in one.get("component", ()))
        assert not {c["code"] for c in one["code"].get("coding", ())} & VITAL_SIGNS
    # txt-1, txt-2: the narrative is XHTML with words in it; an instant has its time zone.
    narrative = ElementTree.fromstring(report["text"]["div"])
    assert narrative.tag == "{http://www.w3.org/1999/xhtml}div" and "".join(narrative.itertext())
    assert datetime.fromisoformat(report["issued"]).tzinfo is not None
    assert {"status", "code"} <= set(report) and re.fullmatch(r"[a-f0-9-]{36}", report["id"])


def test_the_schema_that_the_test_uses_refuses_what_is_none(explained):
    report = diagnostic_report(*explained, revision="r1")
    with pytest.raises(ValueError, match="status"):
        DiagnosticReport.model_validate({**report, "status": 3})
    with pytest.raises(ValueError, match="shoe"):
        DiagnosticReport.model_validate({**report, "shoe": "x"})


def test_findings_come_with_certainty_probability_and_leading_case(explained):
    explanation, _ = explained
    report = diagnostic_report(*explained, revision="r1")
    found = [one for one in contained(report, "Observation") if one["id"].startswith("finding")]
    called = [f for f in explanation.findings if f.certainty != "absent"]
    assert len(found) == len(called) > 2
    for one, finding in zip(found, called, strict=True):
        assert one["code"]["text"] == finding.statement.description
        assert one["valueCodeableConcept"]["text"] == finding.certainty
        code = one["interpretation"][0]["coding"][0]["code"]
        assert code == {"likely": "POS", "possible": "IND"}[finding.certainty]
        assert one["component"][0]["valueQuantity"]["value"] == 0.5
    assert len(report["conclusionCode"]) == sum(f.present for f in called)
    afib = next(one for one in found if one["code"]["text"] == "atrial fibrillation")
    assert {"system": SNOMED, "code": "164889003"} in afib["code"]["coding"]


def test_measurements_have_their_codes_and_units_or_the_reason_that_there_is_none(explained):
    explanation, measured = explained
    report = diagnostic_report(explanation, measured, revision="r1")
    by_words = {one["code"]["text"]: one for one in contained(report, "Observation")}
    rate = by_words["Heart rate"]
    assert rate["valueQuantity"]["value"] == measured.heart_rate_bpm
    assert {c["code"] for c in rate["code"]["coding"]} == {"76282-3", "147842"}
    # Nothing fibrillating has a PR interval.
    assert measured.pr_ms is None
    absent = by_words["PR interval"]
    assert absent["dataAbsentReason"]["text"] == measured.unsure["pr_ms"]
    assert "valueQuantity" not in absent
    qrs = by_words["QRS duration"]
    assert {c["code"] for c in qrs["code"]["coding"]} == {"8633-0", "147228"}
    assert len([one for one in by_words if one in {m.words for m in MEASURES.values()}]) == 7


def test_the_model_its_revision_and_where_it_was_calibrated_are_the_device(explained):
    explanation, measured = explained
    done = Recalibration(
        data="Elsewhere", licence="none", date="2026-11-30T00:00:00", ecgs=300, patients=299,
        parent="r0", statements=("AFIB",), comparison={},
    )  # fmt: skip
    calibrated = replace(explanation, recalibrations=(done,))
    (device,) = contained(diagnostic_report(calibrated, measured, "r1"), "Device")
    assert device["deviceName"][0]["name"] == explanation.bundle
    assert device["version"][0]["value"] == "r1"
    notes = [note["text"] for note in device["note"]]
    assert RESEARCH in notes and any("Elsewhere (300 ECGs" in note for note in notes)


def test_a_report_names_neither_the_file_nor_a_patient(explained):
    report = diagnostic_report(*explained, revision="r1")
    assert NAME not in json.dumps(report) and "subject" not in report
    assert RESEARCH in report["conclusion"] and RESEARCH in report["text"]["div"]


def test_what_stands_out_and_no_finding_speaks_of_is_in_the_conclusion(explained):
    explanation, measured = explained
    sentence = "QTc 560 ms: prolonged, though no finding says so."
    with_unnamed = replace(explanation, unnamed=(Unnamed("qtc", sentence),))
    report = diagnostic_report(with_unnamed, measured, "r1")
    DiagnosticReport.model_validate(report)
    assert sentence in report["conclusion"] and sentence in report["text"]["div"]


def test_a_model_that_abstains_reports_no_finding(explained):
    explanation, measured = explained
    report = diagnostic_report(replace(explanation, abstains="It is <noise>."), measured, "r1")
    DiagnosticReport.model_validate(report)
    assert not [one for one in contained(report, "Observation") if "finding" in one["id"]]
    assert "It is <noise>." in report["conclusion"] and "&lt;noise&gt;" in report["text"]["div"]
    assert "conclusionCode" not in report


def test_every_code_is_of_a_statement_that_there_is_and_of_one_alone():
    assert set(SNOMED_BY_SCP) <= set(PTBXL)
    codes = [one.code for one in SNOMED_BY_SCP.values()]
    assert len(codes) == len(set(codes)) and all(code.isdigit() for code in codes)


@pytest.fixture
def named(tmp_path):
    path = tmp_path / f"{NAME}.npy"
    np.save(path, simulate(["AFIB"], seed=1, rate=500).ecg.signal)
    return path


def run(*command):
    return main([str(part) for part in command])


def test_explain_and_report_write_it(named, tiny_bundle, tmp_path, capsys):
    options = [named, "--rate", 500, "--bundle", tiny_bundle.path]
    assert run("explain", *options, "--fhir", tmp_path / "a.json") == 0
    assert "Research use only" in capsys.readouterr().out
    assert run("report", *options, "--fhir", tmp_path / "b.json") == 0
    one, other = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert one["contained"] == other["contained"] and one["id"] != other["id"]


def test_a_batch_writes_one_of_each_ecg_that_can_be_read(named, tiny_bundle, tmp_path):
    with zipfile.ZipFile(tmp_path / "ecgs.zip", "w") as archive:
        archive.write(named, "ward 3/one.npy")
        archive.writestr("ward 3/two.npy", b"nothing")
    out = ["--out", tmp_path / "t.csv", "--fhir", tmp_path / "reports", "--rate", 500]
    assert run("batch", tmp_path / "ecgs.zip", "--bundle", tiny_bundle.path, *out) == 0
    (file,) = (tmp_path / "reports").iterdir()
    assert file.name.startswith("ward_3_one")
    DiagnosticReport.model_validate_json(file.read_text())


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/passwd", "..", "a\\b", "ä" * 500, ""])
def test_no_recording_leads_its_report_out_of_the_folder(name):
    found = file_name(name)
    assert Path(found).name == found and not found.startswith(".") and len(found) < 120
    assert file_name(name) != file_name(name + "x")


def test_parts_of_many_ecgs_have_no_fhir_reports(named, tiny_bundle, tmp_path, capsys):
    command = ["batch", tmp_path, "--bundle", tiny_bundle.path, "--out", tmp_path / "parts"]
    assert run(*command, "--fhir", tmp_path / "reports") != 0
    assert "beside a table" in capsys.readouterr().err


def text_of(pdf):
    return pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded()


def test_dicom_holds_the_page_and_nobody(named, tiny_bundle, tmp_path):
    old = tmp_path / "Roe_Jane.npy"
    old.write_bytes(named.read_bytes())
    options = ["--rate", 500, "--bundle", tiny_bundle.path, "--earlier", old]
    assert run("report", named, *options, "--dicom", tmp_path / "r.dcm") == 0
    content = (tmp_path / "r.dcm").read_bytes()
    assert NAME.encode() not in content and old.stem.encode() not in content
    read = dcmread(BytesIO(content))
    assert read.SOPClassUID == EncapsulatedPDFStorage == read.file_meta.MediaStorageSOPClassUID
    assert read.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert (read.BurnedInAnnotation, read.Modality, read.ConversionType) == ("NO", "DOC", "WSD")
    assert not read.PatientName and not read.PatientID and not read.AccessionNumber
    pdf = read.EncapsulatedDocument[: read.EncapsulatedDocumentLength]
    assert pdf.startswith(b"%PDF") and pdf.rstrip().endswith(b"%%EOF")
    text = text_of(pdf)
    assert "Research use only" in text and tiny_bundle.revision in text
    assert "Since the earlier ECG" in text and "Doe" not in text and "Roe" not in text


def test_dicom_has_the_identity_that_is_given(named, tiny_bundle, tmp_path):
    options = ["--rate", 500, "--bundle", tiny_bundle.path, "--patient-name", "Müller^Eva"]
    options += ["--patient-id", "4711", "--accession", "A1", "--study-uid", "1.2.3"]
    assert run("report", named, *options, "--dicom", tmp_path / "r.dcm") == 0
    read = dcmread(tmp_path / "r.dcm")
    assert read.PatientName == "Müller^Eva" and read.PatientID == "4711"
    assert (read.AccessionNumber, read.StudyInstanceUID) == ("A1", "1.2.3")


def test_each_dicom_object_has_uids_of_its_own_and_an_even_length():
    one, other = (dcmread(BytesIO(encapsulated(b"%PDF-", "m", "r"))) for _ in range(2))
    for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        assert getattr(one, name) != getattr(other, name)
    assert len(one.EncapsulatedDocument) == 6 and one.EncapsulatedDocumentLength == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"patient_id": "4" * 65},
        {"name": "a\\b"},
        {"accession": "a\nb"},
        {"accession": "1" * 17},
        {"study_uid": "not one"},
    ],
)
def test_an_identity_that_dicom_has_no_room_for_is_refused(wrong):
    with pytest.raises(IdentityError):
        Identity(**wrong)


def test_a_report_needs_a_file_to_write(named, tiny_bundle, capsys):
    assert run("report", named, "--rate", 500, "--bundle", tiny_bundle.path) != 0
    assert "--out, --fhir or --dicom" in capsys.readouterr().err
