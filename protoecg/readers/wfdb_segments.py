"""WFDB records of several segments, one after another: each is a record of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from protoecg.ecg import ECGError
from protoecg.leads.names import lead_named
from protoecg.readers import wfdb_format
from protoecg.readers.channels import Channel, Channels
from protoecg.readers.units import millivolts
from protoecg.readers.wfdb_header import parse_header
from protoecg.readers.wfdb_master import GAP, Master, Segment, parse_master

UNLIKE = (
    "A segment of the record has another length, rate or unit than the record announces. Export "
    "the ECG as one segment."
)


def read(files: Mapping[str, bytes], header_name: str) -> Channels:
    """Read a record by its header and those of its segments, with their signal files.

    Where a lead was not recorded, its samples are missing.

    Raises
    ------
    ECGError
        If a segment is not among the files, or they are no such record.
    """
    master, at = parse_master(files[header_name]), 0
    leads: dict[str, np.ndarray] = {}
    notes: dict[str, None] = {}
    for segment in master.segments:
        # The first one may say which signals there are, and hold none.
        if segment.frames and segment.name != GAP:
            found = _segment(files, segment, master)
            for channel in found.channels:
                room = leads.setdefault(str(lead_named(channel.name)), _missing(master.frames))
                room[at : at + segment.frames] = _in_millivolts(channel, segment, master)
                notes |= dict.fromkeys((*found.notes, *channel.notes))
        at += segment.frames
    read = [Channel(name, values, master.frames_per_s, "mV") for name, values in leads.items()]
    return Channels(read, Path(header_name).stem, tuple(notes), master.taken)


def _segment(files: Mapping[str, bytes], segment: Segment, master: Master) -> Channels:
    header = wfdb_format.finder(files)(f"{segment.name}.hea")
    if header is None:
        raise ECGError(
            f"The header is one of {len(master.segments)} segments, and not all of their headers "
            "were given. Select these and their signal files as well, or the files of one segment "
            "that lasts ten seconds or more."
        )
    # Known before it is read: a segment may be named two hundred times.
    if parse_header(files[header]).frames != segment.frames:
        raise ECGError(UNLIKE)
    found = wfdb_format.read(files, header)
    leads = [channel for channel in found.channels if lead_named(channel.name)]
    return Channels(leads, found.source, found.notes)


def _in_millivolts(channel: Channel, segment: Segment, master: Master) -> np.ndarray:
    of_one = millivolts(channel.unit or "")
    size = (channel.rate, len(channel.values))
    if of_one is None or size != (master.frames_per_s, segment.frames):
        raise ECGError(UNLIKE)
    return channel.values * np.float32(of_one)


def _missing(samples: int) -> np.ndarray:
    return np.full(samples, np.nan, np.float32)
