"""An explanation as a FHIR R4 DiagnosticReport: findings, measurements and the model that made it.

Findings that are likely or possible are observations, each with its probability and the case most
alike; so is each measurement, or why there is none. All are preliminary: no person has looked at
them. The report names neither the patient nor the file. Where the model abstains, there is no
finding in it.

HL7 FHIR R4 (4.0.1), DiagnosticReport with contained Observation and Device.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

from protoecg import __version__
from protoecg.explanation import Certainty, Explanation, Finding
from protoecg.hospital.codes import LOINC, MEASURES, Coding, codings
from protoecg.measure import Measurements
from protoecg.storage.files import write_bytes

RESEARCH = "Research use only. Computed, not confirmed by a physician. Not for diagnosis."
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_UCUM = "http://unitsofmeasure.org"
_MODEL = "model"
_INTERPRETATION: dict[Certainty, tuple[str, str]] = {
    "likely": ("POS", "Positive"),
    "possible": ("IND", "Indeterminate"),
}


def diagnostic_report(
    explanation: Explanation, measured: Measurements, revision: str
) -> dict[str, Any]:
    """Return an explanation and measurements of an ECG as a DiagnosticReport, in plain JSON types.

    Parameters
    ----------
    revision : of the bundle
    """
    findings = [] if explanation.abstains else _called(explanation)
    found = [_finding(f"finding-{n}", one) for n, one in enumerate(findings, 1)]
    observations = [*found, *_measurements(measured)]
    conclusion = _conclusion(explanation, findings)
    return {
        "resourceType": "DiagnosticReport",
        "id": str(uuid4()),
        "meta": {"tag": [_coding("v3-ActReason", "HRESCH", "healthcare research")]},
        "text": {"status": "generated", "div": _narrative(conclusion)},
        "contained": [_device(explanation, revision), *observations],
        "status": "preliminary",
        "category": [{"coding": [_coding("v2-0074", "EC")], "text": "Electrocardiography"}],
        "code": {
            "coding": [{"system": LOINC, "code": "11524-6", "display": "EKG study"}],
            "text": "12-lead ECG",
        },
        "issued": datetime.now(UTC).isoformat(timespec="seconds"),
        "result": [{"reference": f"#{one['id']}"} for one in observations],
        "conclusion": "\n".join(conclusion),
        **_concluded(findings),
    }


def write_report(file: Path, report: Mapping[str, Any]) -> None:
    """Write a report as a JSON file."""
    write_bytes(file, json.dumps(report, indent=1, ensure_ascii=False).encode())


def _called(explanation: Explanation) -> list[Finding]:
    return [finding for finding in explanation.findings if finding.certainty != "absent"]


def _conclusion(explanation: Explanation, findings: list[Finding]) -> list[str]:
    """Return what the report says in words, a line each."""
    lines = [RESEARCH]
    if explanation.simulated:
        lines.append("The model was trained on simulated ECGs.")
    if explanation.abstains:
        return [*lines, explanation.abstains, *explanation.quality]
    for certainty in _INTERPRETATION:
        named = [f.statement.description for f in findings if f.certainty == certainty]
        lines.append(f"{certainty.capitalize()}: {', '.join(named) or 'nothing'}.")
    return [*lines, *(one.sentence for one in explanation.unnamed), *explanation.quality]


def _concluded(findings: list[Finding]) -> dict[str, Any]:
    likely = [_concept(finding) for finding in findings if finding.present]
    return {"conclusionCode": likely} if likely else {}


def _narrative(lines: list[str]) -> str:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'


def _finding(name: str, finding: Finding) -> dict[str, Any]:
    code, display = _INTERPRETATION[finding.certainty]
    notes = [*finding.contradictions]
    if finding.low_evidence:
        notes.append(
            "Low evidence: too few validation ECGs carried it to say what a call is worth."
        )
    return {
        **_observation(name),
        "code": _concept(finding),
        "valueCodeableConcept": {"text": finding.certainty},
        "interpretation": [
            {
                "coding": [_coding("v3-ObservationInterpretation", code, display)],
                "text": finding.certainty,
            }
        ],
        **({"note": [{"text": note} for note in notes]} if notes else {}),
        "component": list(_components(finding)),
    }


def _components(finding: Finding) -> Iterator[dict[str, Any]]:
    for words, value in (
        ("Probability", finding.probability),
        ("Likely from the probability", finding.threshold),
        ("Possible from the probability", finding.possible_from),
    ):
        if value is not None:
            yield {"code": {"text": words}, "valueQuantity": _quantity(round(value, 4), "", "1")}
    if finding.speaking:
        match = finding.speaking[0]
        case = f"{match.prototype.name}, similarity {match.similarity:+.2f}"
        yield {"code": {"text": "Case that speaks for it most"}, "valueString": case}


def _measurements(measured: Measurements) -> Iterator[dict[str, Any]]:
    for n, (name, measure) in enumerate(MEASURES.items(), 1):
        value = getattr(measured, name)
        code = {"coding": [one.to_json() for one in measure.codings], "text": measure.words}
        observation = {**_observation(f"measurement-{n}"), "code": code}
        if value is not None:
            yield {**observation, "valueQuantity": _quantity(value, measure.unit, measure.ucum)}
            continue
        # QTc is as unsure as QT.
        why = measured.unsure.get(name) or measured.unsure.get("qt_ms") or "unsure"
        absent = _coding("data-absent-reason", "unknown", "Unknown")
        yield {**observation, "dataAbsentReason": {"coding": [absent], "text": why}}


def _device(explanation: Explanation, revision: str) -> dict[str, Any]:
    notes = [RESEARCH, *(f"Calibrated at {one.words}." for one in explanation.recalibrations)]
    return {
        "resourceType": "Device",
        "id": _MODEL,
        "deviceName": [{"name": explanation.bundle, "type": "model-name"}],
        "type": {"text": "Software that compares ECGs with prototypes (ProtoECG)"},
        "version": [
            {"type": {"text": "revision of the model"}, "value": revision},
            {"type": {"text": "version of ProtoECG"}, "value": __version__},
        ],
        "note": [{"text": note} for note in notes],
    }


def _observation(name: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "preliminary",
        "category": [{"coding": [_coding("observation-category", "procedure", "Procedure")]}],
        "device": {"reference": f"#{_MODEL}"},
    }


def _concept(finding: Finding) -> dict[str, Any]:
    known = [one.to_json() for one in codings(finding.statement)]
    return {"coding": known, "text": finding.statement.description}


def _coding(system: str, code: str, display: str = "") -> dict[str, str]:
    return Coding(f"{_TERMINOLOGY}{system}", code, display).to_json()


def _quantity(value: float, unit: str, ucum: str) -> dict[str, Any]:
    words = {"unit": unit} if unit else {}
    return {"value": value, **words, "system": _UCUM, "code": ucum}
