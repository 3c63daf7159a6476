"""What `pip install` and `make` get: the wheel, the pinned packages and their licences."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import protoecg
from protoecg.ecg import LEADS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
INSTALLED = ("protoecg", "review_db", "training")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without network from a copy: building leaves files beside the code."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in (*INSTALLED, "pages"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    out = source / "dist"
    subprocess.run([*command, "--no-build-isolation", "-w", out, source], check=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """What an installation would put beside the other packages."""
    folder = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def files(folder):
    return {
        path.relative_to(folder).as_posix()
        for package in INSTALLED
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(site, name, *arguments, folder, **environment):
    """Run a command of the package as its script would, with none of the checkout in reach."""
    module, function = PROJECT["scripts"][name].split(":")
    code = f"import sys; from {module} import {function}; sys.exit({function}())"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env={"PYTHONPATH": str(site), "PATH": "", "HOME": str(folder)} | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def ecg(tmp_path):
    """Ten seconds of a made-up ECG as CSV, in a folder of its own."""
    seconds = np.arange(5000) / 500
    beat = np.exp(-(((seconds % 0.8) - 0.4) ** 2) / (2 * 0.01**2))
    rows = np.outer(beat, np.linspace(-1, 1, 12))
    path = tmp_path / "ecg.csv"
    np.savetxt(path, rows, delimiter=",", header=",".join(LEADS), comments="", fmt="%.4f")
    return path


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(site):
    assert files(site) == files(ROOT)
    tops = {path.name for path in site.iterdir()}
    assert tops == {*INSTALLED, f"protoecg-{protoecg.__version__}.dist-info"}


def test_the_version_is_written_once_and_stands_in_the_wheel(wheel):
    assert PROJECT["dynamic"] == ["version"]
    assert wheel.name.startswith(f"protoecg-{protoecg.__version__}-")


@pytest.mark.parametrize("name", PROJECT["scripts"])
def test_each_command_answers_from_another_folder(site, name, tmp_path):
    done = run(site, name, "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout.lower()


def test_an_absent_bundle_is_said_with_what_to_do(site, ecg):
    done = run(site, "protoecg", "explain", ecg, "--rate", 500, folder=ecg.parent)
    assert done.returncode == 1
    assert f"no bundle at {ecg.parent / 'models' / 'ptbxl'}" in done.stderr
    assert "--bundle" in done.stderr and "PROTOECG_MODELS" in done.stderr


def test_an_ecg_is_explained_from_another_folder(site, ecg, tmp_path):
    shutil.copytree(ROOT / "models" / "demo", tmp_path / "mine" / "ptbxl")
    mine = str(tmp_path / "mine")
    done = run(
        site, "protoecg", "explain", ecg, "--rate", 500, folder=ecg.parent, PROTOECG_MODELS=mine
    )
    assert done.returncode == 0, done.stderr
    assert "by Demo on simulated ECGs (simulated). Research use only." in done.stdout


def test_ratings_of_an_installed_package_are_kept_where_one_works(site, tmp_path):
    done = run(site, "protoecg-ratings", "study", "list", folder=tmp_path)
    assert str(tmp_path / "data" / "ratings.db") in done.stderr


# The packages that `make` installs.


def pinned(name):
    """Return the version of each package that a list of requirements names."""
    lines = (ROOT / name).read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"==[\w.]+", str(requirement.specifier)) for requirement in found)
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in found}


def needed(requirements, extras=()):
    """Return the names of those that apply here."""
    for line in requirements:
        requirement = Requirement(line)
        environments = [{"extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(map(requirement.marker.evaluate, environments)):
            yield requirement


def closure(requirements):
    """Return the distributions that these need, directly or through others."""
    found, open_ = {}, list(requirements)
    while open_:
        requirement = open_.pop()
        name = canonicalize_name(requirement.name)
        key = name, *sorted(requirement.extras)
        if key not in found:
            found[key] = distribution(name)
            open_ += needed(found[key].requires or [], requirement.extras)
    return {name: dist for (name, *_), dist in found.items()}


def stated(extras):
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][e] for e in extras)]
    return [Requirement(line) for lines in lists for line in lines]


def imported(folder):
    """Return the names of the packages of others that a folder's modules import."""
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("folder", "extras"),
    [("protoecg", ["onnx", "ray"]), ("review_db", []), ("training", ["train"]), ("pages", ["app"])],
)
def test_whatever_a_room_imports_is_among_the_packages_that_it_is_installed_with(folder, extras):
    others = set(imported(folder)) - sys.stdlib_module_names - {*INSTALLED, "pages"}
    names = {canonicalize_name(requirement.name) for requirement in stated(extras)}
    of = packages_distributions()
    missing = {name for name in others if not {*map(canonicalize_name, of[name])} & names}
    # The core of pydantic is released with it alone; Streamlit speaks Google's protobuf.
    assert missing <= {"pydantic_core", "google"}


LISTS = {
    "requirements.txt": ("app", "train"),
    "requirements-dev.txt": ("app", "train", "onnx", "ray", "dev"),
}


@pytest.mark.parametrize("name", LISTS)
def test_every_package_that_is_needed_is_pinned(name):
    """Run `make lock` after a change of pyproject.toml's lists."""
    assert set(closure(stated(LISTS[name]))) <= set(pinned(name))


@pytest.mark.parametrize("name", LISTS)
def test_the_pinned_versions_are_in_the_stated_ranges(name):
    versions = pinned(name)
    for requirement in stated(LISTS[name]):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


def test_developers_have_the_same_versions_as_users():
    assert pinned("requirements.txt").items() <= pinned("requirements-dev.txt").items()


COPYLEFT = re.compile(r"\b(A|L)?GPL|General Public", re.IGNORECASE)


def licences(dist):
    """Return what a distribution says of its licence, of which the full text isn't one."""
    metadata = dist.metadata
    classifiers = [c for c in metadata.get_all("Classifier", []) if c.startswith("License")]
    return [text for text in (metadata.get("License-Expression"), *classifiers) if text] or [
        metadata.get("License", "").partition("\n")[0]
    ]


def test_no_package_is_under_a_copyleft_licence_that_would_bind_the_project():
    packages = closure(stated(["app", "train", "onnx", "dev"]))
    assert len(packages) > 100
    for name, dist in packages.items():
        assert any(licences(dist)), f"{name} does not say its licence"
        assert not any(map(COPYLEFT.search, licences(dist))), (name, licences(dist))


def test_what_is_checked_before_a_commit_is_what_make_lint_checks():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    recipe = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    checks = re.findall(r"\$\(BIN\)/(.*?)(?: \.)?$", recipe, re.MULTILINE)
    entries = [hook["entry"].removeprefix(".venv/bin/") for hook in hooks]
    assert [entry.removesuffix(" --force-exclude") for entry in entries] == checks
