"""Files that ecgdatakit parses: its leads to a recording, all else of the file dropped."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ecgdatakit import Lead, UnsupportedFormatError
from ecgdatakit.parsing.parser import Parser

from protoecg.ecg import ECGError, lead_named
from protoecg.readers.recording import Recording
from protoecg.readers.units import millivolts

# Its warnings may quote the file, and so who the patient is.
warnings.filterwarnings("ignore", module=r"ecgdatakit|protoecg\.readers\.vendor")

CHECKSUM_NOTE = "The file's own checksum does not fit its content: it may be damaged or changed."


def read(
    parser: type[Parser], content: bytes, source: str, *, missing: int | None = None
) -> Recording:
    """Read the rhythm leads of a file that `parser` understands.

    Parameters
    ----------
    missing : the stored value that stands for a missing sample
    """
    with TemporaryDirectory(prefix="protoecg-") as folder:
        path = Path(folder, "ecg")
        path.write_bytes(content)
        try:
            record = parser().parse(path)
        except UnsupportedFormatError:
            raise ECGError(
                f"{source} is of a version or compression of {parser.FORMAT_NAME} that is not "
                "read. Export the ECG as DICOM, EDF, WFDB or CSV."
            ) from None
    leads = [lead for lead in record.leads if lead_named(lead.label)]
    if len({(lead.sampling_rate, len(lead.samples)) for lead in leads}) > 1:
        raise ECGError(
            f"The leads of {source} differ in length or sampling rate; export them all at one."
        )
    notes = (CHECKSUM_NOTE,) if record.raw_metadata.get("checksum_valid") is False else ()
    return Recording.from_leads(
        [_millivolts(lead, source, missing) for lead in leads],
        [lead.label for lead in leads or record.leads],
        leads[0].sampling_rate if leads else 0.0,
        source,
        notes,
    )


def _millivolts(lead: Lead, source: str, missing: int | None) -> np.ndarray:
    to_mv = millivolts(lead.resolution_unit)
    if to_mv is None:
        raise ECGError(
            f"{source} gives no voltage for the numbers of lead {lead_named(lead.label)}. Export "
            "the ECG with calibrated leads."
        )
    values = (lead.samples * lead.resolution + lead.offset) * to_mv
    return values if missing is None else np.where(lead.samples == missing, np.nan, values)
