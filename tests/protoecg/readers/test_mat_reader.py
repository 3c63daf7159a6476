import zlib
from io import BytesIO

import numpy as np
import pytest
from scipy.io import savemat

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")


def mat(compress=True, **variables):
    out = BytesIO()
    savemat(out, variables, do_compression=compress)
    return {"ecg.mat": out.getvalue()}


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_a_structure_as_the_challenge_of_2018_gives_it_is_read(compress, turned):
    data = ECG.signal.T if turned else ECG.signal
    files = mat(compress, ECG={"sex": "Male", "age": 74, "data": data.astype(float)})
    ecg = read_ecg(files, rate=500)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-6)
    assert ecg.rate == 500 and "assumed" in ecg.notes[0]
    assert ecg.taken.words == "74 years · male"


@pytest.mark.parametrize(
    "fields", [{"age": np.nan}, {"age": [64, 65]}, {"age": "64"}, {"sex": ["F", "M"]}, {"sex": 1.0}]
)
def test_what_is_no_age_and_no_sex_is_dropped(fields):
    assert not read_ecg(mat(val=ECG.signal, fs=500.0, **fields)).taken


def test_names_units_and_rate_beside_the_array_count():
    names = np.array(LEADS[::-1], dtype=object)
    files = mat(val=ECG.signal[::-1] * 1000, leads=names, units="uV", sampling_rate=500.0)
    ecg = read_ecg(files)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-5)
    assert (ecg.rate, ecg.notes) == (500, ())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (mat(x=1), "0 arrays of two dimensions"),
        (mat(a=ECG.signal, b=ECG.signal), "2 arrays of two dimensions"),
        (mat(a=ECG.signal), "sampling rate"),
        ({"ecg.mat": mat(a=ECG.signal)["ecg.mat"][:5000]}, "damaged MATLAB"),
    ],
)
def test_what_is_no_ecg_is_refused_with_the_reason(files, message):
    with pytest.raises(ECGError, match=message):
        read_ecg(files, rate=500 if "rate" not in message else None)


def test_a_few_bytes_that_stand_for_many_are_refused():
    packed = zlib.compress(bytes(200_000_000), 9)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    bomb = header + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    with pytest.raises(ECGError, match="unpacks to more than"):
        read_ecg({"ecg.mat": bomb}, rate=500)
