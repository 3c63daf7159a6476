import shutil

import pytest

from protoecg.bundle import load_bundle
from training.neighbours import index


@pytest.fixture(scope="session")
def indexed(once, tiny_fit, simulated_root):
    """The tiny bundle with the index that candidates come from; read it, never write there."""

    def make(folder):
        shutil.copytree(tiny_fit / "tiny", folder)
        index(load_bundle(folder), simulated_root)

    return once("indexed", make)


@pytest.fixture
def bundle(indexed):
    return load_bundle(indexed)


@pytest.fixture
def work(once, indexed, simulated_root):
    return once("curate_work", lambda folder: folder.mkdir())
