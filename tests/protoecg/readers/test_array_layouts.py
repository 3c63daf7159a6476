"""Arrays as public data sets and programs lay them out, in NPY, NPZ, MATLAB and HDF5 files."""

from io import BytesIO

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.readers.given import IncompleteFileError
from protoecg.simulate import simulate

ECG = simulate({"SR"}, seed=7, rate=400).ecg
# An ECG without noise is at zero itself, before its first beat and behind its last one.
QUIET = np.pad(ECG.signal[:, 100:-400], ((0, 0), (100, 400)))
BY_LEAD = {lead: ECG.signal[i] for i, lead in enumerate(LEADS)}


def npy(array):
    content = BytesIO()
    np.save(content, array)
    return content.getvalue()


def npz(**arrays):
    content = BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def mat(**variables):
    content = BytesIO()
    savemat(content, variables)
    return content.getvalue()


def hdf5(write):
    content = BytesIO()
    with h5py.File(content, "w") as file:
        write(file)
    return content.getvalue()


def by_lead(file):
    group = file.create_group("leads")
    group.attrs["sampling_rate"] = 400
    for lead, row in reversed(BY_LEAD.items()):
        group[lead] = np.round(row * 1000).astype("i2")
        group[lead].attrs["units"] = "uV"


def names_of_any_length(file):
    file["ecg"], file["fs"] = ECG.signal[::-1], 400
    file.create_dataset("lead_names", data=LEADS[::-1], dtype=h5py.string_dtype())


def packed_by_lzf(file):
    file.create_dataset("ecg", data=ECG.signal, compression="lzf")
    file["fs"] = 400


@pytest.mark.parametrize(
    "content",
    [
        npy(ECG.signal[None]),
        npy(ECG.signal.T[..., None]),
        npy(np.asfortranarray(ECG.signal.astype(">f8"))),
        npz(signal=ECG.signal.T, lead_names=LEADS, sampfreq=400),
        npz(ecg=ECG.signal, sampling_frequency_hz=400.0, beats=np.ones((9, 2))),
        npz(**BY_LEAD, fs=400),
        mat(ecg=ECG.signal[None], Fs=400),
        mat(**BY_LEAD, fs=400),
        mat(ecg=BY_LEAD, fs=400),
        hdf5(by_lead),
        hdf5(names_of_any_length),
        hdf5(packed_by_lzf),
    ],
)
def test_leads_and_rate_are_found_however_they_are_laid_out(content):
    ecg = read_ecg({"upload": content}, rate=400)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=6e-4)
    assert ecg.rate == 400 and not any("given 400 Hz" in note for note in ecg.notes)


def test_one_of_many_in_an_array_is_chosen_by_its_number():
    content = npy(np.stack([ECG.signal, -ECG.signal]).astype(np.float32))
    with pytest.raises(IncompleteFileError, match=r"holds 2 ECGs.*--exam 1"):
        read_ecg({"X.npy": content}, rate=400)
    ecg = read_ecg({"X.npy": content}, rate=400, exam="2")
    np.testing.assert_allclose(ecg.signal, -ECG.signal, atol=1e-6)
    assert "ECG 2 of 2 in the file." in ecg.notes


@pytest.mark.parametrize(
    "layout",
    [
        {"tracings": np.pad(QUIET.T, ((48, 48), (0, 0)))[None]},
        {"ecg": QUIET},
    ],
)
def test_an_ecg_without_noise_is_no_padding(layout):
    ecg = read_ecg({"exams.hdf5": hdf5(lambda file: file.update(layout))}, rate=400)
    np.testing.assert_array_equal(ecg.signal, QUIET)


def test_seven_seconds_filled_up_behind_are_no_ecg_of_ten():
    filled = np.pad(ECG.signal[:, :2800], ((0, 0), (0, 1200)))
    with pytest.raises(ECGError, match="lasts 7.0 s"):
        read_ecg({"ecg.hdf5": hdf5(lambda file: file.update({"ecg": filled}))}, rate=400)


def test_tracings_in_the_unit_of_code_are_read_in_it_and_that_is_said():
    def code(file):
        file["tracings"] = np.pad(10 * ECG.signal.T, ((48, 48), (0, 0)))[None]

    content = {"exams.hdf5": hdf5(code)}
    ecg = read_ecg(content)
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-6)
    assert any("0.1 mV, the unit of CODE, is assumed" in note for note in ecg.notes)
    given = read_ecg(content, unit="0.1 mV")
    np.testing.assert_allclose(given.signal, ECG.signal, atol=1e-6)
    assert "Read in 0.1 mV, as it was given: the file says no unit." in given.notes


def test_leads_of_several_lengths_are_refused():
    content = npz(**BY_LEAD | {"V6": ECG.signal[11, :-1]}, fs=400)
    with pytest.raises(ECGError, match="differ in length"):
        read_ecg({"ecg.npz": content})
