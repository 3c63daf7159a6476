"""What runs keep for their next start, damaged or put there by somebody: refused in a sentence."""

import io
import os
import resource
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from training.__main__ import main
from training.curate.similarity import Columns
from training.data import ptbxl, quantities
from training.fit.loop import Loop
from training.kept import KeptError, arrays, tensors

ROOT = Path(__file__).resolve().parents[2]


class Command:
    """What would run if a file were unpickled."""

    def __init__(self, file):
        self._file = file

    def __reduce__(self):
        return os.system, (f"touch {self._file}",)


def pickled_npy(file):
    written = io.BytesIO()
    np.save(written, np.array([Command(file)], dtype=object), allow_pickle=True)
    return written.getvalue()


def pickled_pt(file):
    written = io.BytesIO()
    torch.save(Command(file), written)
    return written.getvalue()


def npy(shape, kind="<f4"):
    """The head of an array, without what it says that it holds."""
    written = io.BytesIO()
    about = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(written, about)
    return written.getvalue()


def npz(**members):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return written.getvalue()


DAMAGES = {
    "run.json": [b"", b"\xff"],
    "train.json": [b"", b"\xff", b"[" * 200_000],
    "train.npy": [b"", npy((10**9, 12, 1000)), npy((1, 12, 1000)) + bytes(48_000), "pickled"],
    "teacher.npy": [b"", npy((10**9, 71)), npy((1, 1)) + bytes(4), "pickled"],
    "global.pt": [b"", b"x" * 5000, "pickled"],
    "measured-train.npz": [
        b"",
        npz(),
        npz(record=npy((3,), "<U9"), name=npy((3,), "<U9"), value=npy((10**12,))),
        npz(record=npy((2**62,), "<U9"), name=npy((3,), "<U9"), value=npy((3, 1))),
    ],
    "log.jsonl": [b"\xff", b"[" * 200_000, b"{"],
}


@pytest.mark.parametrize(
    ("name", "content"), [(name, each) for name, contents in DAMAGES.items() for each in contents]
)
def test_a_run_refuses_what_it_kept_where_that_is_damaged(
    name, content, tiny_work, tiny_config, simulated_root, tmp_path, capsys
):
    work = shutil.copytree(tiny_work, tmp_path / "work")
    file, ran = work / name, tmp_path / "ran"
    if name == "teacher.npy":
        # It is looked at where a branch is still to be trained.
        for branch in ("rhythm", "morphology", "global"):
            (work / f"{branch}.pt").unlink(missing_ok=True)
    if content == "pickled":
        content = pickled_pt(ran) if name.endswith(".pt") else pickled_npy(ran)
    file.write_bytes(content)
    command = ["fit", "--data", simulated_root, "--config", tiny_config, "--work", work]

    assert main(list(map(str, [*command, "--out", tmp_path / "bundle", "--device", "cpu"]))) == 1

    printed = capsys.readouterr().err.strip().splitlines()[-1]
    assert str(file) in printed or str(work) in printed
    assert "Delete it" in printed or "delete it" in printed
    assert not ran.exists() and not (tmp_path / "bundle").exists()


def test_arrays_that_unpack_to_more_than_expected_are_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("value.npy", "w") as member:
            member.write(npy((50_000_000,)))
            for _ in range(20):
                member.write(bytes(10_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(KeptError, match=r"bomb.npz .* Delete it"):
        arrays(tmp_path / "bomb.npz", max_bytes=100_000_000)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_measurements_of_another_shape_are_not_taken(simulated_root, tmp_path):
    dataset = ptbxl.load(simulated_root).folds([9])
    records = dataset.table["record"].to_numpy(str)
    names = np.array(list(quantities.QUANTITIES))
    np.savez(tmp_path / "kept.npz", record=records, name=names, value=np.zeros((2, 2)))

    with pytest.raises(KeptError, match="kept.npz"):
        quantities.measured(dataset, tmp_path / "kept.npz")


@pytest.mark.parametrize("content", [b"", npz(key=npy((1,), "S64")), "pickled"])
def test_similarities_that_are_damaged_are_refused(content, tmp_path):
    content = pickled_npy(tmp_path / "ran") if content == "pickled" else content
    (tmp_path / "kept.npz").write_bytes(content)

    with pytest.raises(KeptError, match="kept.npz"):
        Columns(tmp_path / "kept.npz").read()

    assert not (tmp_path / "ran").exists()


def test_a_measurement_that_nests_too_deep_is_no_measurement(tmp_path, capsys):
    folder = shutil.copytree(ROOT / "models" / "demo", tmp_path / "demo")
    (tmp_path / "deep.json").write_text("[" * 200_000)

    assert main(["card", "--bundle", str(folder), "--abstention", str(tmp_path / "deep.json")]) == 1

    assert "is no JSON" in capsys.readouterr().err


def saved(**content):
    written = io.BytesIO()
    torch.save(content, written)
    return written.getvalue()


def packed(content):
    """The same archive with a member of eight megabytes of nothing in it."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before:
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for member in before.infolist():
                large = member.filename.endswith("data/0")
                content = bytes(8_000_000) if large else before.read(member)
                archive.writestr(member.filename, content)
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (packed(saved(a=torch.ones(10))), "unpacks to more"),
        (saved(a={"b": [torch.tensor([1.0, torch.nan])]}), "no numbers"),
        (saved(a=torch.tensor([torch.inf])), "no numbers"),
        (saved(a=torch.ones(3, dtype=torch.complex64)), "no numbers"),
        (saved(a=torch.empty(10**12, device="meta")), "no numbers"),
        (b"", "not a zip file"),
    ],
)
def test_tensors_that_are_no_numbers_are_not_taken(content, says, tmp_path):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(KeptError, match="cannot be used") as refused:
        tensors(tmp_path / "a.pt")
    assert says in str(refused.value.__cause__)


def test_tensors_come_back_as_they_were_saved(tmp_path):
    (tmp_path / "a.pt").write_bytes(saved(epoch=3, a={"b": torch.arange(4), "c": torch.ones(2)}))

    found = tensors(tmp_path / "a.pt")

    assert found["epoch"] == 3 and found["a"]["b"].tolist() == [0, 1, 2, 3]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_keeps_no_run_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.pt")
    with pytest.raises(KeptError, match="cannot be used"):
        tensors(tmp_path / "a.pt")


@pytest.mark.parametrize("epoch", [-(10**30), -1, 7])
def test_a_checkpoint_is_of_an_epoch_of_its_run(epoch, tmp_path):
    torch.save({"epoch": epoch}, tmp_path / "a.pt")
    loop = Loop(SimpleNamespace(batch=2, weight_decay=0.0), "a", tmp_path / "a.pt", 1e-3)
    data = SimpleNamespace(y=torch.zeros(4, 1), device="cpu")

    with pytest.raises(KeptError) as refused:
        loop.run(torch.nn.Linear(1, 1), data, epochs=6)
    assert f"of epoch {epoch}" in str(refused.value.__cause__)
