"""Files that ecgdatakit parses: leads, and when and of whom they are; all else is dropped."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ecgdatakit import CorruptedFileError, ECGRecord, Lead, UnsupportedFormatError
from ecgdatakit.parsing.parser import Parser

from protoecg.ecg import ECGError
from protoecg.readers.channels import Channel, Channels, worth_reading
from protoecg.readers.units import millivolts
from protoecg.taken import Taken

# Its warnings may quote the file, and so who the patient is.
warnings.filterwarnings("ignore", module=r"ecgdatakit|protoecg\.readers\.vendor")

CHECKSUM_NOTE = "The file's own checksum does not fit its content: it may be damaged or changed."

OFFSET_NOTE = (
    "The file names an offset of its leads, which nobody documents and which is not applied: "
    "heights or times of leads against each other may be off."
)
# What MUSE and HL7 call them.
_AVERAGED = re.compile(rb"median|representative_beat", re.IGNORECASE)
# In MUSE's XML; left out by the parser where it is 0.
_BEGINS = "LeadTimeOffset"
_OFFSETS = ("channel_offsets", "FirstSampleBaseline", "LeadOffsetFirstSample")


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
        except CorruptedFileError as error:
            if not (str(error).startswith("No rhythm") and _AVERAGED.search(content)):
                raise
            raise ECGError(
                f"{source} holds averaged beats without the rhythm that they are of. Export the "
                "whole ten-second ECG."
            ) from None
    metadata = record.raw_metadata
    notes = [CHECKSUM_NOTE] if metadata.get("checksum_valid") is False else []
    notes += [OFFSET_NOTE] if any(map(metadata.get, _OFFSETS)) else []
    kept = [record.leads[i] for i in worth_reading([lead.label for lead in record.leads])]
    if len({lead.annotations.get(_BEGINS, "") for lead in kept}) > 1:
        raise ECGError(
            f"The leads of {source} begin at different moments: they were recorded one after "
            "another. Export leads that were recorded together."
        )
    channels = [_channel(lead, missing) for lead in kept]
    return Channels(channels, source, tuple(notes), _taken(record))


def _taken(record: ECGRecord) -> Taken:
    patient, moment = record.patient, record.recording.date
    if moment is not None or "acquisition_date" not in record.raw_metadata:
        return Taken.at(moment, age=patient.age, born=patient.birth_date, sex=patient.sex)
    # A day without its time of day; left out where it is not written as in ISO 8601.
    day, born = None, patient.birth_date
    with suppress(ValueError):
        day = date.fromisoformat(str(record.raw_metadata["acquisition_date"]))
    return Taken.of(day, age=patient.age, born=born.date() if born else None, sex=patient.sex)


def _channel(lead: Lead, missing: int | None) -> Channel:
    values = lead.samples * lead.resolution + lead.offset
    if missing is not None:
        values = np.where(lead.samples == missing, np.nan, values)
    unit = lead.resolution_unit if millivolts(lead.resolution_unit) else None
    return Channel(lead.label, values, lead.sampling_rate, unit)
