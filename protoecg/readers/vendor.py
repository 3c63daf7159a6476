"""Files that ecgdatakit parses: its leads to a recording, all else of the file dropped."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ecgdatakit import Lead, UnsupportedFormatError
from ecgdatakit.parsing.parser import Parser

from protoecg.ecg import ECGError
from protoecg.readers.channels import Channel, Channels, worth_reading
from protoecg.readers.units import millivolts

# Its warnings may quote the file, and so who the patient is.
warnings.filterwarnings("ignore", module=r"ecgdatakit|protoecg\.readers\.vendor")

CHECKSUM_NOTE = "The file's own checksum does not fit its content: it may be damaged or changed."


def read(
    parser: type[Parser], content: bytes, source: str, *, missing: int | None = None
) -> Channels:
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
    notes = (CHECKSUM_NOTE,) if record.raw_metadata.get("checksum_valid") is False else ()
    kept = worth_reading([lead.label for lead in record.leads])
    return Channels([_channel(record.leads[i], missing) for i in kept], source, notes)


def _channel(lead: Lead, missing: int | None) -> Channel:
    values = lead.samples * lead.resolution + lead.offset
    if missing is not None:
        values = np.where(lead.samples == missing, np.nan, values)
    unit = lead.resolution_unit if millivolts(lead.resolution_unit) else None
    return Channel(lead.label, values, lead.sampling_rate, unit)
