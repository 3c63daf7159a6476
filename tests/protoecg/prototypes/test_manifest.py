import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from protoecg.prototypes.manifest import BundleError, read_manifest, read_prototypes, revision

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def copy(tiny_bundle, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_bundle.path, tmp_path / "copy"))


def test_a_manifest_says_of_a_bundle_what_the_loaded_bundle_says(tiny_bundle):
    manifest = read_manifest(tiny_bundle.path)
    assert (manifest.name, manifest.simulated) == (tiny_bundle.name, tiny_bundle.simulated)
    assert manifest.statements == tiny_bundle.statements
    assert manifest.decisions == tiny_bundle.decisions
    assert manifest.fingerprint == tiny_bundle.fingerprint
    assert read_prototypes(tiny_bundle.path, manifest) == tiny_bundle.prototypes
    assert revision(tiny_bundle.path) == tiny_bundle.revision


def test_the_shapes_say_whose_the_prototypes_are(tiny_bundle):
    shapes = read_manifest(tiny_bundle.path).branches
    owners = [(name, owner) for name, shape in shapes.items() for owner in shape.owners]
    assert owners == [(p.branch, p.statement) for p in tiny_bundle.prototypes]


def test_a_manifest_is_read_without_torch(tiny_bundle):
    code = (
        "import sys; from pathlib import Path\n"
        "from protoecg.prototypes.manifest import read_manifest, read_prototypes\n"
        "path = Path(sys.argv[1])\n"
        "read_prototypes(path, read_manifest(path))\n"
        "sys.exit('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tiny_bundle.path)], cwd=ROOT)
    assert run.returncode == 0


def test_a_manifest_needs_no_weights_but_its_own_prototypes(copy):
    (copy / "weights.safetensors").unlink()
    manifest = read_manifest(copy)
    prototypes = json.loads((copy / "prototypes.json").read_text())
    prototypes[0]["patient"] = "another"
    (copy / "prototypes.json").write_text(json.dumps(prototypes))
    with pytest.raises(BundleError, match="prototypes.json is damaged"):
        read_prototypes(copy, manifest)
    (copy / "prototypes.json").unlink()
    with pytest.raises(BundleError, match="prototypes.json is missing"):
        read_prototypes(copy, manifest)
