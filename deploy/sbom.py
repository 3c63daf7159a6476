"""`make sbom`: a software bill of materials (CycloneDX 1.6, JSON) of what `make app` installs.

Each package that the app and training need, with its version and licence, as it is installed here;
and each bundle in models/, with its hash, and the data that it was trained on.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import protoecg  # noqa: E402
from protoecg.prototypes.manifest import FILE, read_manifest, revision  # noqa: E402
from protoecg.storage.files import checksum  # noqa: E402

EXTRAS = ("app", "train")


def bill(models: Path) -> Bom:
    """Return the bill: the project, its packages, and the bundles of a folder with their data."""
    bom = Bom()
    app = Component(
        name="protoecg",
        version=protoecg.__version__,
        type=ComponentType.APPLICATION,
        bom_ref="protoecg",
        licenses=[LicenseFactory().make_from_string("MIT")],
    )
    bom.metadata.component = app
    found = packages()
    refs = {name: _package(dist) for name, dist in found.items()}
    for name, dist in found.items():
        bom.components.add(refs[name])
        others = {canonicalize_name(r.name) for r in _needed(dist.requires or [])}
        bom.register_dependency(refs[name], [refs[n] for n in sorted(others & set(refs) - {name})])
    bundles = []
    for file in sorted(models.glob(f"*/{FILE}")):
        bundle, data = _bundle(file.parent)
        bom.components.update([bundle, data])
        bom.register_dependency(bundle, [data])
        bundles.append(bundle)
    direct = {canonicalize_name(requirement.name) for requirement in _stated()}
    bom.register_dependency(app, [*(refs[name] for name in sorted(direct)), *bundles])
    return bom


def packages() -> dict[str, Distribution]:
    """Return what the app and training need, directly or through others, by name."""
    found: dict[tuple[str, ...], Distribution] = {}
    open_ = list(_stated())
    while open_:
        requirement = open_.pop()
        key = canonicalize_name(requirement.name), *sorted(requirement.extras)
        if key not in found:
            found[key] = distribution(requirement.name)
            open_ += _needed(found[key].requires or [], requirement.extras)
    return {name: dist for (name, *_), dist in sorted(found.items())}


def _stated() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in EXTRAS)]
    return (Requirement(line) for lines in lists for line in lines)


def _needed(lines: Iterable[str], extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """Yield those that apply on this machine."""
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _package(dist: Distribution) -> Component:
    name = canonicalize_name(dist.metadata["Name"])
    return Component(
        name=name,
        version=dist.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}=={dist.version}",
        purl=PackageURL("pypi", None, name, dist.version),
        licenses=_licences(dist),
    )


def _licences(dist: Distribution) -> list[Any]:
    """Return an SPDX expression where the package says one, else what else it says."""
    metadata = dist.metadata
    if expression := metadata.get("License-Expression"):
        return [LicenseFactory().make_from_string(expression)]
    classifiers = [c for c in metadata.get_all("Classifier", []) if c.startswith("License ::")]
    names = [c.rpartition(" :: ")[2] for c in classifiers]
    return [
        DisjunctiveLicense(name=name)
        for name in names or [metadata.get("License", "").partition("\n")[0]]
    ]


def _bundle(path: Path) -> tuple[Component, Component]:
    """Return a bundle, and the data that it was trained on.

    The bundle's hash is that of its bundle.json, which has those of its other files in it.
    """
    manifest = read_manifest(path)
    about: Mapping[str, Any] = manifest.about
    licence = about.get("licence", {})
    data = Component(
        name=str(about.get("data", "unknown")),
        type=ComponentType.DATA,
        bom_ref=f"data:{path.name}",
        licenses=[DisjunctiveLicense(name=licence["data"])] if licence.get("data") else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=about["data_sha256"])]
        if about.get("data_sha256")
        else [],
    )
    bundle = Component(
        name=f"models/{path.name}",
        version=revision(path),
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"bundle:{path.name}",
        description=f"{manifest.name}: prototypes and weights, trained on {data.name}",
        licenses=[DisjunctiveLicense(name=licence["weights"])] if licence.get("weights") else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum(path / FILE))],
        properties=[
            Property(name=f"protoecg:sha256:{file}", value=value)
            for file, value in manifest.sha256.items()
        ],
    )
    return bundle, data


def main() -> None:
    """Print the bill."""
    text = JsonV1Dot6(bill(ROOT / "models")).output_as_string()
    sys.stdout.write(json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
