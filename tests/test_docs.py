"""The documentation: its commands run, its links lead somewhere, the README stays short."""

import re
import shlex
import shutil
import subprocess
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

import protoecg.__main__
import review_db.__main__
import training.__main__
from protoecg.ecg import LEADS
from protoecg.readers.formats import READ
from protoecg.settings.listing import described
from protoecg.simulate import simulate
from review_db import open_database

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = {"protoecg": protoecg, "review_db": review_db, "training": training}
SCRIPTS = {name: module.split(".")[0] for name, module in PROJECT["project"]["scripts"].items()}

# Commands that are not run as they stand, and why; that they and their options exist is checked.
NOT_RUN = {
    "training fit": "an hour on PTB-XL; tests/training/test_cli_training.py runs it small",
    "training ablations": "an hour or two; tests/training/search/test_ablations.py runs it small",
    "training tune": "a night; tests/training/search/test_tune.py runs it small",
    "training onnx": "half a minute; tests/protoecg/network/test_onnx.py runs it small",
    "training refit": "minutes on PTB-XL; tests/training/fit/test_refit.py runs it small",
    "training known_changes": "needs a model that knows a normal ECG; "
    "tests/training/measure/test_known_changes.py runs it on PTB-XL",
    "training practice": "needs ECGs of two makes of recorder; "
    "tests/training/measure/test_practice.py runs it small",
    "training download": "gigabytes; "
    "tests/training/data/test_download.py runs it from a small server",
    "training ludb": "needs LUDB; "
    "tests/training/measure/test_ludb.py runs it on a record of its layout",
    "training repeats": "minutes on PTB-XL; tests/training/measure/test_repeats.py runs it small",
    "protoecg fetch": "needs PhysioNet; "
    "tests/protoecg/prototypes/test_waveforms.py runs it from a server",
}
# Numbers that small data has not enough ECGs for.
SMALLER = {
    "--n 1600 --seed 1": "--n 120 --seed 5",
    "--matches 20": "--matches 1",
    "--pairs 10": "--pairs 0",
    "--readings 10": "--readings 1",
    "--specificity 10": "--specificity 1",
}
# Programs of others, which these arguments of the docs belong to.
PROGRAMS = {
    "make": "dry run",
    ".venv/bin/streamlit": "tests/e2e/conftest.py starts it so",
    ".venv/bin/tensorboard": "draws until it is ended",
    ".venv/bin/torchrun": "tests/training/test_ranks.py starts it so",
    ".venv/bin/pre-commit": "changes the checkout's hooks",
    "pip": "tests/test_packaging.py builds and runs what it installs",
}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A module's name alone is no command.
_INLINE = re.compile(r"`((?:\.venv/bin/[^\s`]+|make|python -m \w+) [^`]+)`")


def blocks(page, language):
    return [text for kind, text in _BLOCK.findall(page.read_text()) if kind == language]


def commands(page):
    """Return the words of each command in a page's blocks and lines, without its comment."""
    lines = [line for text in blocks(page, "sh") for line in text.replace("\\\n", " ").splitlines()]
    lines += _INLINE.findall(_BLOCK.sub("", page.read_text()))
    split = [shlex.split(line, comments=True) for line in lines if "..." not in line]
    return [[word for word in words if not re.match(r"[A-Z_]+=", word)] for words in split if words]


def of_ours(words):
    """Return the room whose command this is and its arguments, or None."""
    if words[0] in SCRIPTS:
        return SCRIPTS[words[0]], words[1:]
    if words[1] == "-m" and words[2] in ROOMS:
        return words[2], words[3:]
    return None


def run(room, arguments):
    """Run a command in this process, as its `python -m` would; return its code and its words."""
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        try:
            code = ROOMS[room].__main__.main(arguments)
        except SystemExit as end:
            code = end.code
    return code or 0, printed.getvalue()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, tiny_bundle, simulated_root):
    """The small bundle, with an index of the ECGs that it was trained on."""
    copy = tmp_path_factory.mktemp("indexed") / "bundle"
    shutil.copytree(tiny_bundle.path, copy)
    # A simulated bundle's ECGs are those it carries; cases are drawn from all of them.
    records = simulated_root / "records100"
    shutil.copytree(records, copy / "waveforms" / records.name, dirs_exist_ok=True)
    arguments = ["neighbours", "--bundle", str(copy), "--data", str(simulated_root)]
    assert run("training", arguments)[0] == 0
    return copy


@pytest.fixture
def folder(tmp_path, monkeypatch, bundle, simulated_root):
    """A checkout with the small bundle under every name, its data as PTB-XL, and a database."""
    monkeypatch.chdir(tmp_path)
    for name in ("models/demo", "models/ludb", "models/mine", "models/ptbxl", "runs/held_out"):
        shutil.copytree(bundle, tmp_path / name)
    shutil.copytree(simulated_root, tmp_path / "data" / "ptbxl")
    (tmp_path / "training").symlink_to(ROOT / "training")
    ecgs = sorted((ROOT / "models" / "demo" / "waveforms").rglob("*.hea"))
    lay(ecgs[0], tmp_path / "ECG.hea")
    lay(ecgs[1], tmp_path / "OLD.hea")
    like_ludb(tmp_path / "data" / "ludb", ecgs)
    (tmp_path / "ECGS").mkdir()
    lay(ecgs[2], tmp_path / "ECGS" / "one.hea")
    signal = simulate(["NORM"], seed=1, rate=500).ecg.signal
    (tmp_path / "theirs").mkdir()
    lay(ecgs[3], tmp_path / "theirs" / "one.hea")
    np.save(tmp_path / "theirs" / "two.npy", signal)
    np.savetxt("ECG.csv", signal.T, delimiter=",", header=",".join(LEADS), comments="")
    (tmp_path / "readings.csv").write_text(
        "reader,case,treatment,truth,rating\n"
        + "".join(
            f"R{reader},c{case},{arm},{case % 2},{(case * reader + len(arm)) % 5 + 1}\n"
            for reader in (1, 2, 3)
            for case in range(8)
            for arm in ("with", "without")
        )
    )
    described = ROOT / "training" / "data" / "descriptions" / "ptbxl.toml"
    (tmp_path / "DATASET.toml").write_text(
        described.read_text()
        .replace('tables = ["', 'tables = ["data/ptbxl/')
        .replace('labels = "PTB-XL"', 'labels = "PTB-XL"\nrecords = "data/ptbxl"')
    )
    monkeypatch.setenv("PROTOECG_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PROTOECG_DATABASE_URL", f"sqlite:///{tmp_path}/ratings.db")
    open_database().dispose()
    yield tmp_path


def like_ludb(folder, headers):
    """Write records with diagnoses in their headers, and LUDB's description beside them."""
    (folder / "data").mkdir(parents=True)
    for file in (ROOT / "training" / "data" / "descriptions").glob("ludb*"):
        shutil.copy(file, folder)
    for n, header in enumerate(headers[:30], 1):
        lay(header, folder / "data" / f"{n}.hea")
        with (folder / "data" / f"{n}.hea").open("a") as file:
            file.write("#<age>: 51\n#<sex>: F\n#Rhythm: Sinus rhythm.\n")


def lay(header, path):
    """Copy a record under another name."""
    old, new = header.stem, path.stem
    path.write_text(header.read_text().replace(old, new))
    shutil.copy(header.with_suffix(".dat"), path.with_suffix(".dat"))


WITH_COMMANDS = [page for page in PAGES if any(map(of_ours, commands(page)))]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_one_after_another(page, folder):
    for text in blocks(page, "toml"):
        if name := re.match(r"# (\S+\.toml)\n", text):
            (folder / name[1]).write_text(text)
    for text in blocks(page, "json"):
        (folder / "theirs" / "manifest.json").write_text(text)
    for room, arguments in filter(None, map(of_ours, commands(page))):
        line = shlex.join([room, *arguments])
        is_named_alone = len(arguments) == 1
        if is_named_alone or " ".join([room, arguments[0]]) in NOT_RUN:
            known_options(room, arguments)
            continue
        for whole, small in SMALLER.items():
            line = line.replace(whole, small)
        code, printed = run(room, shlex.split(line)[1:])
        assert code == 0, f"{line}\n{printed}"


def known_options(room, arguments):
    code, printed = run(room, [*arguments[:1], "--help"])
    assert code == 0, printed
    options = {word for word in arguments if word.startswith("--")}
    assert options <= set(re.findall(r"--[a-z-]+", printed)), (arguments, printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_other_program_of_a_page_is_known(page):
    for words in commands(page):
        if of_ours(words):
            continue
        if words[:2] == [".venv/bin/python", "-m"]:
            assert words[2] in {"benchmarks", "pytest"}, words
        elif words[0] in {".venv/bin/python", "python"}:
            assert (ROOT / words[1]).is_file(), words
        else:
            assert words[0] in PROGRAMS, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_make_target_of_a_page_is_there(page):
    for words in commands(page):
        if words[0] == "make":
            subprocess.run(
                ["make", "--dry-run", *words[1:]], cwd=ROOT, check=True, capture_output=True
            )


def test_every_part_of_the_benchmarks_that_a_page_names_is_there(monkeypatch, capsys):
    from benchmarks.__main__ import main

    monkeypatch.setattr("sys.argv", ["benchmarks", "--help"])
    with pytest.raises(SystemExit):
        main()
    printed = set(re.findall(r"[\w-]+", capsys.readouterr().out))
    found = [words[3:] for page in PAGES for words in commands(page) if "benchmarks" in words[2:3]]
    assert found
    for words in found:
        assert {word for word in words if not word.isdigit()} <= printed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_to_a_file_and_its_heading(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", _BLOCK.sub("", page.read_text())):
        if target.startswith("http"):
            continue
        name, _, heading = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in anchors, target


def test_the_readme_is_short_enough_to_be_read():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_readme_leads_to_every_page(page):
    assert page.name == "README.md" or f"{page.name})" in (ROOT / "README.md").read_text()


def test_every_format_that_is_read_has_its_place_on_the_page_of_formats():
    page = (ROOT / "docs" / "formats.md").read_text()
    names = set(re.findall(r"[A-Z][\w-]+", READ)) - {"XML"}
    assert len(names) > 12
    assert all(re.search(rf"\b{name}\b", page) for name in names), names


def test_the_settings_on_the_page_of_deployment_are_those_of_the_program():
    page = (ROOT / "docs" / "deployment.md").read_text()
    rows = [f"| `{name}` | {about} | {otherwise} |" for name, about, otherwise in described()]
    assert "\n".join(["| variable | names | default |", "|---|---|---|", *rows, ""]) in page


def test_only_the_settings_read_the_environment():
    """What a process hands on to another, all of it, is no setting."""
    reads = re.compile(r"environ(\.get\(|\[)|getenv")
    code = [file for room in ("pages", *ROOMS) for file in (ROOT / room).rglob("*.py")]
    reading = {f.relative_to(ROOT).as_posix() for f in code if reads.search(f.read_text())}
    assert reading == {"protoecg/settings/__init__.py", "protoecg/isolation/server.py"}


@pytest.mark.parametrize("room", ["protoecg", "review_db", "training", "pages"])
def test_the_map_has_a_row_for_all_that_lies_in_a_room(room):
    table = (ROOT / "docs" / "architecture.md").read_text().split(f"### {room}\n")[1]
    rows = re.findall(r"^\| (`.*?) \|", table.split("\n#")[0], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w/]+)`", row)}
    # What is left of a folder that is gone holds compiled modules alone.
    there = {f"{of.parent.name}/" for of in (ROOT / room).glob("*/*.*")} - {"__pycache__/"}
    modules = set() if room == "pages" else {of.stem for of in (ROOT / room).glob("[!_]*.py")}
    assert named == there | modules


def test_every_module_that_the_map_names_is_there():
    named = re.findall(r"`([\w/]+\.py)`", (ROOT / "docs" / "architecture.md").read_text())
    assert named
    code = [of for room in ("pages", "tests", *ROOMS) for of in (ROOT / room).rglob("*.py")]
    there = [f"/{of.relative_to(ROOT).as_posix()}" for of in code]
    for name in {*named} - {"app.py"}:
        assert any(path.endswith(f"/{name}") for path in there), name
