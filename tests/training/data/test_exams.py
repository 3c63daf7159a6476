"""One exam is cut out of a file of many, and nothing else comes along."""

import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from protoecg.ecg import ECGError
from training.data.exams import cut

N, SAMPLES = 3, 4096
SHAPE = (N, SAMPLES, 12)
NUMBERS = [70, 80, 90]


def test_an_exam_comes_out_with_its_own_number(tmp_path: Path):
    tracings = np.random.default_rng(1).normal(size=SHAPE).astype("float32")
    with h5py.File(tmp_path / "many.h5", "w") as file:
        file["tracings"], file["exam_id"] = tracings, NUMBERS
    (tmp_path / "one.h5").write_bytes(cut(tmp_path / "many.h5", "80"))

    with h5py.File(tmp_path / "one.h5") as one:
        assert one["exam_id"][()].tolist() == [80]
        assert np.array_equal(one["tracings"][()], tracings[1:2])


def _outside(file: h5py.File, secret: Path) -> None:
    external = [(str(secret), 0, h5py.h5f.UNLIMITED)]
    file.create_dataset("tracings", SHAPE, "u1", external=external)
    file["exam_id"] = NUMBERS


def _numbers_outside(file: h5py.File, secret: Path) -> None:
    file["tracings"] = np.zeros(SHAPE, "float32")
    file.create_dataset("exam_id", (N,), "u1", external=[(str(secret), 0, N)])


def _link(file: h5py.File, secret: Path) -> None:
    file["tracings"] = h5py.ExternalLink(str(secret), "/tracings")
    file["exam_id"] = NUMBERS


def _virtual(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout(SHAPE, "float32")
    layout[:] = h5py.VirtualSource(str(secret), "tracings", SHAPE)
    file.create_virtual_dataset("tracings", layout)
    file["exam_id"] = NUMBERS


@pytest.mark.parametrize("lay", [_outside, _numbers_outside, _link, _virtual])
def test_no_other_file_is_read(tmp_path: Path, lay: Callable[[h5py.File, Path], None]):
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["tracings"] = np.ones(SHAPE, "float32")
    with h5py.File(tmp_path / "many.h5", "w") as file:
        lay(file, secret)

    with pytest.raises(ECGError, match="other files|another place"):
        cut(tmp_path / "many.h5", "80")


def _numbers_of_two_milliards(file: h5py.File) -> None:
    packed = {"dtype": "i8", "chunks": (10**6,), "compression": "gzip"}
    file.create_dataset("exam_id", (2 * 10**9,), **packed)
    file["tracings"] = np.zeros(SHAPE, "float32")


def _exams_in_one_chunk(file: h5py.File) -> None:
    shape = (5_000, SAMPLES, 12)
    file["exam_id"] = np.arange(5_000)
    tracings = file.create_dataset("tracings", shape, "u1", chunks=shape, compression="gzip")
    tracings.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(np.prod(shape)), 9))


def _an_exam_of_days(file: h5py.File) -> None:
    packed = {"chunks": (1, 10**6, 12), "compression": "gzip"}
    file.create_dataset("tracings", (N, 10**9, 12), "f4", **packed)
    file["exam_id"] = NUMBERS


@pytest.mark.parametrize("lay", [_numbers_of_two_milliards, _exams_in_one_chunk, _an_exam_of_days])
def test_a_small_file_does_not_fill_the_memory(tmp_path: Path, lay: Callable[[h5py.File], None]):
    with h5py.File(tmp_path / "many.h5", "w") as file:
        lay(file)

    with pytest.raises(ECGError, match="at most|unpacks to more"):
        cut(tmp_path / "many.h5", "80")


def _words(file: h5py.File) -> None:
    file["tracings"], file["exam_id"] = np.zeros(SHAPE, "float32"), ["a", "b", "c"]


def _a_group(file: h5py.File) -> None:
    file.create_group("tracings")
    file["exam_id"] = NUMBERS


def _flat(file: h5py.File) -> None:
    file["tracings"], file["exam_id"] = np.zeros((N, SAMPLES), "float32"), NUMBERS


@pytest.mark.parametrize("lay", [_words, _a_group, _flat])
def test_what_holds_no_exams_is_refused(tmp_path: Path, lay: Callable[[h5py.File], None]):
    with h5py.File(tmp_path / "many.h5", "w") as file:
        lay(file)

    with pytest.raises(ECGError, match=r"has no `tracings` with an `exam_id` each"):
        cut(tmp_path / "many.h5", "80")


def test_a_damaged_file_is_refused(tmp_path: Path):
    (tmp_path / "many.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))

    with pytest.raises(ECGError, match="has no `tracings`"):
        cut(tmp_path / "many.h5", "80")
