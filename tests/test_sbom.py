"""The bill of materials: valid CycloneDX, with every package and bundle of the app in it."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from test_packaging import closure, stated

from protoecg.prototypes.manifest import read_manifest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def bill():
    command = [sys.executable, "deploy/sbom.py"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_it_is_valid(bill):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_every_package_of_the_app_is_named_with_its_version_and_licence(bill):
    packages = {c["name"]: c for c in json.loads(bill)["components"] if c["type"] == "library"}
    expected = closure(stated(["app", "train"]))
    assert {name: c["version"] for name, c in packages.items()} == {
        name: dist.version for name, dist in expected.items()
    }
    licences = {name: json.dumps(c["licenses"]) for name, c in packages.items()}
    assert "BSD-3-Clause" in licences["torch"]
    assert all(len(words) > 20 for words in licences.values())
    assert packages["numpy"]["purl"] == f"pkg:pypi/numpy@{packages['numpy']['version']}"


def test_every_bundle_is_named_with_its_hash_and_its_data(bill):
    document = json.loads(bill)
    parts = {c["bom-ref"]: c for c in document["components"]}
    needs = {d["ref"]: d.get("dependsOn", []) for d in document["dependencies"]}
    shipped = {file.parent for file in (ROOT / "models").glob("*/bundle.json")}
    assert {f"bundle:{path.name}" for path in shipped} == {r for r in parts if r[:6] == "bundle"}
    for path in shipped:
        bundle, about = parts[f"bundle:{path.name}"], read_manifest(path).about
        digest = sha256((path / "bundle.json").read_bytes()).hexdigest()
        assert bundle["hashes"] == [{"alg": "SHA-256", "content": digest}]
        files = {p["name"].rpartition(":")[2]: p["value"] for p in bundle["properties"]}
        assert files == dict(read_manifest(path).sha256)
        (data,) = needs[f"bundle:{path.name}"]
        assert parts[data]["name"] == about["data"]
        assert parts[data]["licenses"] == [{"license": {"name": about["licence"]["data"]}}]
        assert f"bundle:{path.name}" in needs["protoecg"]
