"""What several rooms' tests need: a tiny bundle, simulated ECGs, PTB-XL, a PostgreSQL server."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import postgresql
import pytest
from filelock import FileLock

# Threads add up in an order of their own, and training's last bits with them: runs that must end
# alike get as many as the processes that train branches side by side, one.
os.environ["OMP_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parents[1]

TINY = """
name = "Tiny"
seed = 3
batch = 8
carry_waveforms = true

[fusion]
shares = [0.2, 0.05]

[branches.rhythm]
view = "strip"
signed = false
widths = [8, 8, 8]
strides = [4, 4]
latent = 8
prototypes_per_statement = 2
pretrain_epochs = 1
joint_epochs = 1
anchored_epochs = 1
live = 4

[branches.morphology]
view = "leads"
widths = [8, 8, 8]
strides = [2, 1]
latent = 24
prototypes_per_statement = 2
pretrain_epochs = 1
joint_epochs = 1
anchored_epochs = 1
live = 4
members = ["partner"]

[branches.global]
view = "strip"
widths = [8, 8]
strides = [4]
latent = 8
prototypes_per_statement = 2
pretrain_epochs = 1
joint_epochs = 1
anchored_epochs = 1
live = 2

[teachers.partner]
view = "leads"
widths = [8, 8, 8]
strides = [2, 1]
latent = 24
pretrain_epochs = 1
anchored_epochs = 1
live = 4
distort = true
"""


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[..., Path]:
    """Makes a folder once for all workers of a run; whoever comes later waits and has the same."""
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, unfinished = common / name, common / f"{name}.unfinished"
        with FileLock(common / f"{name}.lock"):
            if not folder.exists():
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return made


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory) -> Path:
    """Settings of a whole training run that takes seconds."""
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def simulated_root(once) -> Path:
    """120 simulated ECGs in PTB-XL's layout; read them, never write there."""
    from training.data.simulated import write_dataset

    return once("simulated", lambda root: write_dataset(root, 120, seed=5))


@pytest.fixture(scope="session")
def tiny_fit(once, tiny_config, simulated_root) -> Path:
    """What a training run through every stage left on simulated ECGs: its work and its bundle."""
    import torch

    from training.fit.config import read_config
    from training.fit.run import Fit
    from training.fit.setup import Setup

    def train(folder: Path) -> None:
        config, cpu = read_config(tiny_config), torch.device("cpu")
        Fit(Setup(config, simulated_root, folder / "work", cpu)).run(folder / "tiny")

    return once("tiny_fit", train)


@pytest.fixture(scope="session")
def tiny_work(tmp_path_factory, tiny_fit) -> Path:
    """Work folder of the run that made `tiny_bundle`, to go on from."""
    work = tmp_path_factory.mktemp("fit") / "work"
    return Path(shutil.copytree(tiny_fit / "work", work))


@pytest.fixture(scope="session")
def tiny_bundle(tiny_fit):
    """A bundle that went through every stage, on simulated ECGs; read it, never write to it."""
    from protoecg.bundle import load_bundle

    return load_bundle(tiny_fit / "tiny")


@pytest.fixture(scope="session")
def ptbxl_root() -> Path:
    """A local PTB-XL."""
    root = Path(os.environ.get("PROTOECG_PTBXL") or ROOT / "data" / "ptbxl")
    if not (root / "ptbxl_database.csv").is_file():
        pytest.skip(f"no PTB-XL at {root}: name its folder in PROTOECG_PTBXL")
    return root


@pytest.fixture(scope="session")
def postgresql_server():
    """A server with an empty database "ratings", its tables made."""
    from review_db import open_database

    if reason := postgresql.missing():
        pytest.skip(reason)
    # Not below pytest's own folder, which the server's account may not enter.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="ratings", dir=memory))
    folder.chmod(0o755)
    server = postgresql.Server(folder / "server")
    server.start()
    open_database(server.create("ratings")).dispose()
    yield server
    server.stop()
    shutil.rmtree(folder)
