"""Training by two processes, as torchrun starts them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from protoecg.bundle import load_bundle
from training.fit.ranks import own_part

ROOT = Path(__file__).resolve().parents[2]


# What each of two processes says: whether it holds what one alone would, of all of a batch.
ALIKE = """
import torch
from torch import nn
from training.fit.ranks import agree, folders, own_part, shared_out

def gradients(rows, shared):
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)), torch.randn(16, 4)
    module(x[rows]).square().mean().backward()
    if shared:
        agree(module)
    return torch.cat([p.grad.flatten() for p in module.parameters()])

from pathlib import Path
with folders(Path("work"), Path("out")) as (work, out):
    rows = torch.arange(16)
    own = own_part(rows)
    alike = torch.allclose(gradients(own, True), gradients(rows, False), atol=1e-6)
    looked_at = []
    def see(part):
        looked_at.append(len(part))
        return 2 * part, part.float()
    twice, same = shared_out(see, torch.arange(7))
    whole = twice.tolist() == [0, 2, 4, 6, 8, 10, 12] and same.tolist() == list(range(7))
    Path(f"said-{own[0]}").write_text(f"{len(own)} {alike} {out}")
    Path(f"saw-{own[0]}").write_text(f"{looked_at} {whole}")
"""


def by_torchrun(*command, folder=ROOT):
    arguments = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, *command]
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_two_processes_step_as_one_does_on_the_whole_batch(tmp_path):
    (tmp_path / "alike.py").write_text(ALIKE)
    by_torchrun("alike.py", folder=tmp_path)
    first, second = ((tmp_path / f"said-{row}").read_text() for row in (0, 8))
    assert first == "8 True out"
    assert second.startswith("8 True work/.rank-") and second.endswith("/bundle")
    assert list((tmp_path / "work").iterdir()) == []
    # Each looks at its part of a data set alone, and has what both saw, in order.
    assert [(tmp_path / f"saw-{row}").read_text() for row in (0, 8)] == ["[4] True", "[3] True"]


def fitted(out, work, config, data):
    command = ["-m", "training", "fit", "--data", data, "--out", out, "--config", config]
    by_torchrun(*command, "--work", work, "--device", "cpu")


@pytest.fixture(scope="module")
def by_two(tmp_path_factory, tiny_config, simulated_root):
    folder = tmp_path_factory.mktemp("two")
    fitted(folder / "bundle", folder / "work", tiny_config, simulated_root)
    return folder


def test_two_processes_train_a_whole_bundle_of_their_own(by_two, tiny_bundle):
    two, one = load_bundle(by_two / "bundle"), tiny_bundle
    assert two.statements == one.statements and len(two.prototypes) == len(one.prototypes)
    # Other training than that of one process, not the same one twice.
    weights = [bundle.network.state_dict() for bundle in (one, two)]
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_what_others_wrote_is_gone_and_a_finished_run_is_gone_on_with(
    by_two, tmp_path, tiny_config, simulated_root
):
    assert not list((by_two / "work").glob(".rank-*"))
    work = shutil.copytree(by_two / "work", tmp_path / "work")
    before = {file.name: file.stat().st_mtime_ns for file in work.glob("*.pt")}
    fitted(tmp_path / "bundle", work, tiny_config, simulated_root)
    assert {file.name: file.stat().st_mtime_ns for file in work.glob("*.pt")} == before
    again, first = load_bundle(tmp_path / "bundle"), load_bundle(by_two / "bundle")
    for name, weights in first.network.state_dict().items():
        np.testing.assert_array_equal(again.network.state_dict()[name], weights)


def test_a_process_alone_sees_all_of_a_batch():
    rows = torch.arange(7)
    assert own_part(rows) is rows
