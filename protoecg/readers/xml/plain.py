"""XML documents that write the samples of each lead as numbers, with commas between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element  # noqa: S405 - for its type; defusedxml parses

import numpy as np
from defusedxml import ElementTree

from protoecg.ecg import ECGError
from protoecg.readers.channels import Channel, Channels, worth_reading
from protoecg.readers.moments import moment, moment_in_digits
from protoecg.readers.units import millivolts
from protoecg.taken import Taken

# "uVperLsb", also "mV/LSB".
_CARDIOSOFT_UNIT = re.compile(r"([mun]?v) ?(?:per|/) ?(?:lsb|bit)", re.IGNORECASE)


def cardiosoft(content: bytes, source: str) -> Channels:
    """Read the strip of GE's CardioSoft and CASE (`CardiologyXML`); medians are left out."""
    root = ElementTree.fromstring(content)
    # Of an exercise test there are several, and stages without one.
    strips = (strip for strip in root.iter("StripData") if strip.find("WaveformData") is not None)
    strip = next(strips, None)
    if strip is None:
        raise ECGError(f"{source} is a CardioSoft file without a strip. Export the whole ECG.")
    resolution = strip.find("Resolution")
    spelt = "" if resolution is None else resolution.get("units", "")
    known = _CARDIOSOFT_UNIT.fullmatch(spelt.strip())
    unit = known[1] if known else ""
    found = [(lead.get("lead", ""), lead.text) for lead in strip.iter("WaveformData")]
    rate, step = _number(strip, "SampleRate"), _number(strip, "Resolution")
    channels = _channels(found, rate, step, unit, source)
    return replace(channels, taken=_taken_by_cardiosoft(root))


def _taken_by_cardiosoft(root: Element) -> Taken:
    parts = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    when = moment(*(_text(root, f"ObservationDateTime/{part}") for part in parts))
    born, _ = moment(*(_text(root, f"PatientInfo/BirthDateTime/{part}") for part in parts[:3]))
    # Of children it may be in months.
    in_years = root.find("PatientInfo/Age[@units='years']") is not None
    age = _number(root, "PatientInfo/Age") if in_years else None
    return Taken.of(*when, age=age, born=born, sex=_text(root, "PatientInfo/Gender"))


def schiller(content: bytes, source: str) -> Channels:
    """Read the rhythm of Schiller's XML (`wavedata` of the type ECG_RHYTHMS)."""
    root = ElementTree.fromstring(content)
    rhythm = next((w for w in root.iter("wavedata") if _text(w, "type") == "ECG_RHYTHMS"), None)
    if rhythm is None:
        raise ECGError(f"{source} is a Schiller file without a rhythm. Export the whole ECG.")
    rate = _number(rhythm, "resolution/samplerate/value")
    # What another exponent does to the rate is documented nowhere, so it is asked for.
    if _text(rhythm, "resolution/samplerate/exponent") not in ("", "0", "1"):
        rate = None
    step = _number(rhythm, "resolution/yres/unitperbit")
    unit = _text(rhythm, "resolution/yres/units")
    found = [(_text(channel, "name"), _text(channel, "data")) for channel in _leads(rhythm)]
    channels = _channels(found, rate, step, unit, source)
    return replace(channels, taken=_taken_by_schiller(root))


def _taken_by_schiller(root: Element) -> Taken:
    begins = next(root.iter("startdatetime"), None)
    begin_text = "" if begins is None else _text(begins, "date") + _text(begins, "time")
    born, _ = moment_in_digits(_text(root, "patdata/birthdate"))
    return Taken.of(*moment_in_digits(begin_text), born=born, sex=_text(root, "patdata/gender"))


def _leads(rhythm: Element) -> Iterator[Element]:
    return (channel for channel in rhythm.iter("channel") if channel.find("data") is not None)


def _channels(
    found: Sequence[tuple[str, str | None]],
    rate: float | None,
    step: float | None,
    unit: str,
    source: str,
) -> Channels:
    """Return leads of counts, each of `step` units; of an unknown step they stay counts."""
    names = [name for name, _ in found]
    leads = [found[i] for i in worth_reading(names)]
    counts = [(name, _samples(text or "", source)) for name, text in leads]
    scale, known = (step, unit) if step and millivolts(unit) else (1.0, None)
    return Channels([Channel(name, n * scale, rate, known) for name, n in counts], source)


def _samples(text: str, source: str) -> np.ndarray:
    try:
        return np.array(text.replace(",", " ").split(), dtype=np.float64)
    except ValueError:
        raise ECGError(
            f"{source} has text where the numbers of a lead are expected. Export the ECG again."
        ) from None


def _number(element: Element, path: str) -> float | None:
    try:
        return float(_text(element, path).replace(",", ".")) or None
    except ValueError:
        return None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
