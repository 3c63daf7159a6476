"""HDF5 as public data sets use it: one ECG, or one of many."""

from io import BytesIO

import h5py
import numpy as np
import pytest

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.readers.given import IncompleteFileError
from protoecg.simulate import simulate

ECG = simulate({"SR"}, seed=7, rate=400).ecg
OTHER = simulate({"AFIB"}, seed=8, rate=400).ecg


def hdf5(write):
    content = BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def padded(ecg, seconds=10):
    """An exam as CODE has it: 4,096 samples, the leads last, zeros around the ECG."""
    exam = np.zeros((4096, 12), np.float32)
    samples = seconds * 400
    first = (4096 - samples) // 2
    exam[first : first + samples] = ecg.signal.T[:samples]
    return exam


def code(*exams, ids=(1169160, 2873686)):
    def write(file):
        file["tracings"] = np.stack(exams)
        file["exam_id"] = np.array(ids[: len(exams)])

    return hdf5(write)


TWO = code(padded(ECG), padded(OTHER))
# Packed and with names, so that damage finds all that is read.
HDF5 = hdf5(
    lambda file: (
        file.create_dataset("tracings", data=ECG.signal, compression=4),
        file.create_dataset("leads", data=np.array(LEADS, "S")),
        file.attrs.create("fs", 400.0),
    )
)


def read(content, **options):
    return read_ecg({"exams_part0.hdf5": content}, **options)


def test_one_exam_of_code_is_read_without_its_padding_at_the_rate_of_code():
    ecg = read(code(padded(ECG)))
    np.testing.assert_array_equal(ecg.signal, ECG.signal[:, : ecg.signal.shape[1]])
    assert (ecg.rate, ecg.duration) == (400, 10)
    notes = " ".join(ecg.notes)
    assert "400 Hz are assumed" in notes and "Zeros" in notes and "names no leads" in notes


@pytest.mark.parametrize(("exam", "ecg"), [("1169160", ECG), ("2873686", OTHER)])
def test_one_of_many_is_chosen_by_its_exam_id(exam, ecg):
    found = read(TWO, exam=exam)
    np.testing.assert_array_equal(found.signal, ecg.signal)
    assert f"ECG {exam} of 2 in the file." in found.notes


def test_of_many_without_a_choice_the_error_says_how_to_choose():
    with pytest.raises(IncompleteFileError, match=r"holds 2 ECGs.*--exam 1169160") as refused:
        read(TWO)
    assert refused.value.asks.exam == "1169160"
    with pytest.raises(ECGError, match="none of that number or exam_id"):
        read(TWO, exam="3")


def test_without_ids_exams_are_counted_from_one():
    content = hdf5(lambda file: file.create_dataset("tracings", data=[padded(ECG), padded(OTHER)]))
    np.testing.assert_array_equal(read(content, exam="2").signal, OTHER.signal)


def test_seven_seconds_filled_up_to_ten_are_no_ecg_of_ten():
    with pytest.raises(ECGError, match=r"lasts 7.0 s"):
        read(code(padded(ECG, seconds=7)))


def test_names_units_and_rate_beside_the_leads_count():
    def write(file):
        group = file.create_group("ecg")
        group["signal"] = np.round(ECG.signal[::-1] * 1000).astype("i2")
        group["signal"].attrs["units"] = "uV"
        group["leads"] = np.array(LEADS[::-1], "S")
        file.attrs["sampling_rate"] = 400

    ecg = read(hdf5(write))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-3)
    assert (ecg.rate, ecg.notes) == (400, ())


def test_a_file_of_matlab_7_3_is_read():
    content = BytesIO()
    with h5py.File(content, "w", userblock_size=512) as file:
        file["val"] = ECG.signal.T
        file["fs"] = 400.0
    matlab = b"MATLAB 7.3 MAT-file".ljust(512) + content.getvalue()[512:]
    np.testing.assert_array_equal(read(matlab).signal, ECG.signal)


def external(file):
    file["tracings"] = h5py.ExternalLink("/etc/hostname", "/x")


def outside(file):
    storage = [("/etc/hostname", 0, 12 * 4000 * 4)]
    file.create_dataset("tracings", (12, 4000), "f4", external=storage)


def virtual(file):
    layout = h5py.VirtualLayout((12, 4000), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (12, 4000))
    file.create_virtual_dataset("tracings", layout)


def rarely_packed(file):
    file.create_dataset("tracings", data=ECG.signal, chunks=True, scaleoffset=3)


def bomb(file):
    file.create_dataset("tracings", (12, 10_000_000), "f8", chunks=(12, 100_000), compression=9)


def one_large_chunk(file):
    file.create_dataset("tracings", (12, 4000), "f8", maxshape=(None, None), chunks=(999, 99_999))


def deep(file):
    file.create_group("/".join("abcdefgh"))["tracings"] = ECG.signal


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (external, "refers to another file"),
        (outside, "keeps its ECGs in other files"),
        (virtual, "keeps its ECGs in other files"),
        (rarely_packed, "packed in a rare way"),
        (bomb, "unpacks to more than 60 MB"),
        (one_large_chunk, "unpacks to more than 60 MB"),
        (deep, "too many parts"),
        (lambda file: [file.create_group(str(i)) for i in range(600)], "too many parts"),
        (lambda file: file.create_dataset("x", data=1.0), "holds no datasets"),
        (lambda file: [file.create_dataset(n, data=ECG.signal) for n in "ab"], "holds 2 datasets"),
    ],
)
def test_what_leads_elsewhere_or_is_no_ecg_is_refused_with_the_reason(write, message):
    with pytest.raises(ECGError, match=message):
        read(hdf5(write), rate=400)


def test_gzip_is_no_rare_way():
    content = hdf5(
        lambda file: file.create_dataset(
            "tracings", data=ECG.signal, compression=4, shuffle=True, fletcher32=True
        )
    )
    np.testing.assert_array_equal(read(content, rate=400).signal, ECG.signal)


def test_a_damaged_file_is_said_to_be():
    with pytest.raises(ECGError, match="damaged HDF5"):
        read(TWO[:3000])
