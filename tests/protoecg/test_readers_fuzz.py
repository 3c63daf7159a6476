"""Damaged files of every format. PROTOECG_FUZZ=5000 makes the run as many times longer."""

import io
import os
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_dicom_reader import GOOD as DICOM
from test_edf_reader import GOOD as EDF
from test_scp_reader import SLOW as SCP
from test_xml_readers import AECG, MUSE, SIERRA
from test_zip_reader import CSV, DAT, HEADER, npz, packed

from protoecg.ecg import ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

EXAMPLES = int(os.environ.get("PROTOECG_FUZZ", 12))
SECONDS = 2.0
ECG = example("Atrial fibrillation")


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


# Each format's files; the one that is damaged is named "ecg".
FILES = {
    "DICOM": {"ecg": DICOM},
    "EDF": {"ecg": EDF},
    "aECG": {"ecg": AECG},
    "MUSE": {"ecg": MUSE},
    "Sierra": {"ecg": SIERRA},
    "SCP": {"ecg": SCP[0]},
    "SCP packed": {"ecg": SCP[1]},
    "CSV": {"ecg": CSV},
    "NPY": {"ecg": npy(ECG.signal)},
    "NPZ": {"ecg": npz(signal=ECG.signal[:, ::5], fs=100)},
    "ZIP": {"ecg": packed({"ecg.hea": HEADER, "ecg.dat": DAT})},
    "WFDB header": {"ecg": HEADER, "ecg.dat": DAT},
    "WFDB samples": {"ecg.hea": HEADER.replace(b"ecg.dat", b"ecg"), "ecg": DAT},
}
NUMBERS = [b"0", b"-1", b"99999999", b"1e308", b"nan", b"4294967295", b"\xff" * 4, bytes(4)]


@st.composite
def damaged(draw, content):
    """Up to eight damages, most of them where formats keep their headers or directories."""
    for _ in range(draw(st.integers(1, 8))):
        size = max(len(content) - 1, 0)
        places = [st.integers(0, end) for end in (min(size, 600), min(size, 8000), size)]
        at = draw(st.one_of(*places, st.integers(max(size - 300, 0), size)))
        length = draw(st.integers(0, 40))
        new = draw(
            st.one_of(
                st.binary(min_size=1, max_size=4),
                st.sampled_from(NUMBERS),
                st.just(content[at : at + length] * 2),
                st.just(b""),
            )
        )
        content = content[:at] + new + content[at + draw(st.sampled_from([length, len(new)])) :]
    return content[: draw(st.sampled_from([len(content), len(content) - 1, len(content) // 2]))]


@pytest.mark.parametrize("name", FILES)
@settings(
    deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None
)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_in_time_but_never_breaks(name, data):
    files = FILES[name] | {"ecg": data.draw(damaged(FILES[name]["ecg"]))}
    began = time.process_time()
    try:
        ecg = read_ecg(files, rate=500)
        assert ecg.signal.shape[0] == 12
        assert np.isfinite(ecg.signal).all()
    except ECGError as error:
        assert 20 < len(str(error)) < 600
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("WFDB")])
def test_the_file_as_it_is_is_an_ecg_whatever_its_name(name):
    assert read_ecg({"holiday.jpg": FILES[name]["ecg"]}, rate=500).signal.shape[0] == 12
