"""FHIR reports of a batch: a file for each recording, beside its row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from protoecg.ecg import ECG
from protoecg.explanation import Explanation
from protoecg.hospital.fhir import diagnostic_report, write_report
from protoecg.measure import Delineation, measurements

LONGEST = 80


@dataclass(frozen=True)
class Reports:
    """Writes a report of each ECG, to be passed to `run` as `on_explained`.

    Parameters
    ----------
    folder : made where it is missing; a report that is there is written anew
    revision : of the bundle
    """

    folder: Path
    revision: str

    def __call__(self, name: str, ecg: ECG, found: Explanation, waves: Delineation) -> None:
        """Write the report of a recording."""
        self.folder.mkdir(parents=True, exist_ok=True)
        report = diagnostic_report(found, measurements(waves), self.revision)
        write_report(self.folder / file_name(name), report)


def file_name(recording: str) -> str:
    """Return a name for the report of a recording, which no archive can lead elsewhere by."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", recording).strip("._")[-LONGEST:]
    return f"{plain or 'ECG'}-{sha256(recording.encode()).hexdigest()[:8]}.json"
