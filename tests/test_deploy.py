"""The files of deploy/ name what there is; tests/e2e/test_proxy.py runs the proxy."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from protoecg.settings import Settings, variable

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.iterdir())


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_names_settings_that_there_are(file):
    known = {variable(name) for name in Settings.model_fields}
    assert set(re.findall(r"\bPROTOECG_[A-Z_]+\b", file.read_text())) <= known


def test_the_image_is_made_of_what_there_is_and_runs_without_rights():
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY"):
            *sources, _ = line.split()[1:]
            assert all((ROOT / source).exists() for source in sources), line
    rooms = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"benchmarks", "tests"}
    assert {f"COPY {room} {room}" for room in rooms} <= set(lines)
    assert "USER 10001" in lines and any(line.startswith("HEALTHCHECK") for line in lines)


def test_the_app_writes_to_its_volumes_alone_and_the_database_is_out_of_reach(services):
    app = services["app"]
    assert app["read_only"] and app["cap_drop"] == ["ALL"] and "ports" not in app
    assert "ports" not in services["database"] and services["database"]["networks"] == ["inside"]
    assert services["proxy"]["networks"] == ["outside"]
    for file in (app["build"]["dockerfile"], "deploy/nginx.conf.template"):
        assert (ROOT / file).is_file()


def test_the_proxy_is_given_all_that_its_template_asks_for(services):
    asked = set(re.findall(r"\$\{(\w+)\}", (DEPLOY / "nginx.conf.template").read_text()))
    given = services["proxy"]["environment"]
    assert asked == set(given) - {"NGINX_ENVSUBST_FILTER"}
    pattern = given["NGINX_ENVSUBST_FILTER"].replace("$$", "$")
    assert all(re.search(pattern, name) for name in asked)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_takes_the_unit(tmp_path):
    unit = (DEPLOY / "protoecg.service").read_text()
    there = unit.replace("/opt/protoecg/.venv/bin/streamlit", "/bin/true")
    assert there != unit
    (tmp_path / "protoecg.service").write_text(there)
    command = ["systemd-analyze", "verify", tmp_path / "protoecg.service"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "protoecg.service" not in done.stderr, done.stderr
