"""Who may import what: the table of the rooms, held by reading the code."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app", "pages", "protoecg", "review_db", "training", "benchmarks")

# Of each room: what it must not import.
FORBIDDEN = {
    "protoecg": {"streamlit", "sqlalchemy", "alembic", "training", "review_db", "pages", "app"},
    "review_db": {"streamlit", "torch", "training", "pages", "app"},
    "training": {"streamlit", "pages", "app"},
    "pages": {"training", "alembic", "torch", "benchmarks"},
    "app": {"training", "sqlalchemy", "alembic", "torch", "benchmarks"},
}
# A coordinator makes bundles on the page Curate: its folder alone may use so much of training.
CURATING = ("training.curate", "training.data")
# Each would run code that a file brought along.
UNSAFE = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}


def files(room):
    if room == "app":
        return [ROOT / "app.py"] if (ROOT / "app.py").is_file() else []
    return sorted((ROOT / room).rglob("*.py"))


ALL = [(room, file) for room in ROOMS for file in files(room)]
IDS = [str(file.relative_to(ROOT)) for _, file in ALL]


def imported(tree):
    """Names of all modules that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def test_the_rooms_are_there():
    assert {"protoecg", "review_db", "training"} <= {room for room, _ in ALL}


@pytest.mark.parametrize(("room", "file"), ALL, ids=IDS)
def test_a_room_imports_only_what_its_place_allows(room, file):
    names = set(imported(parsed(file)))
    if file.parent.name == "curation" and room == "pages":
        names -= {name for name in names if name.startswith(CURATING)}
    assert not {name.split(".")[0] for name in names} & FORBIDDEN.get(room, set())


@pytest.mark.parametrize("file", files("training"), ids=lambda file: str(file.relative_to(ROOT)))
def test_training_meets_the_ratings_at_one_command_alone(file):
    """What a rule proposes is handed on as a type of protoecg's, see docs/architecture.md."""
    packages = {name.split(".")[0] for name in imported(parsed(file))}
    assert "review_db" not in packages or file.stem == "curating"


@pytest.mark.parametrize(("room", "file"), ALL, ids=IDS)
def test_nothing_is_read_that_could_bring_code_along(room, file):
    tree = parsed(file)
    assert not {name.split(".")[0] for name in imported(tree)} & UNSAFE
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        options = {k.arg: getattr(k.value, "value", None) for k in call.keywords}
        assert not options.get("allow_pickle")
        if ast.unparse(call.func) == "torch.load":
            assert options.get("weights_only") is True
            # Checkpoints are the run's own; a bundle is what others send.
            assert room == "training"
        assert ast.unparse(call.func) not in {"eval", "exec", "os.system"}


@pytest.mark.parametrize(
    ("room", "file"),
    # Benchmarks speak its protocol, as a browser would.
    [(r, f) for r, f in ALL if r not in {"app", "pages", "benchmarks"}],
    ids=[i for (r, _), i in zip(ALL, IDS, strict=True) if r not in {"app", "pages", "benchmarks"}],
)
def test_streamlit_stays_at_the_door(room, file):
    assert "streamlit" not in {name.split(".")[0] for name in imported(parsed(file))}


@pytest.mark.parametrize("file", files("pages"), ids=lambda f: f.name)
def test_a_page_knows_of_the_database_but_that_there_is_one(file):
    """The name of the engine's type is all that a page may use of SQLAlchemy."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            assert {alias.name for alias in node.names} == {"Engine"}
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("sqlalchemy") for alias in node.names)


def test_the_check_itself_sees_imports_inside_functions():
    tree = ast.parse(
        "def f():\n    from review_db.store.schema import x\n    import torch.nn as nn\n"
    )
    assert set(imported(tree)) == {"review_db.store.schema", "torch.nn"}


def test_no_file_names_a_place_on_somebodys_machine():
    for room, file in ALL:
        text = file.read_text(encoding="utf-8")
        assert not any(f"{place}/" in text for place in ("/home", "/Users", "/root")), (room, file)


def test_every_module_of_a_room_says_what_it_is_for():
    missing = [str(f.relative_to(ROOT)) for _, f in ALL if not ast.get_docstring(parsed(f))]
    assert not missing


# Words that hide what a name holds: lines, options, metrics, a sentence, why a wave is unsure.
VAGUE = {"told", "untold", "said", "unsaid", "doubt", "doubts"}


def named(tree):
    """Names that a file gives: of values, parameters, classes and functions, but of no test."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield "" if node.name.startswith("test_") else node.name


def words_of(name):
    """Split a name at underscores and at capitals within it."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


@pytest.mark.parametrize(
    "file",
    [*(file for _, file in ALL), *files("deploy"), *files("tests")],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_names_say_what_they_hold(file):
    assert not [name for name in named(parsed(file)) if words_of(name) & VAGUE]


def test_the_check_of_names_sees_each_part_of_a_name():
    tree = ast.parse("class UnsaidError: pass\ndef f(is_told, *, AS_SAID=1): doubts = foretold = 2")
    seen = [word for name in named(tree) for word in words_of(name) & VAGUE]
    assert sorted(seen) == ["doubts", "said", "told", "unsaid"]


LONGEST, MOST_MODULES = 300, 15


def test_the_layers_inside_each_room_hold():
    """Run `.venv/bin/lint-imports` to see which import breaks which of pyproject.toml's layers."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize(("room", "file"), ALL, ids=IDS)
def test_a_module_is_short_or_says_why_not(room, file):
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST or "Longer than" in ast.get_docstring(parsed(file))


def test_no_folder_holds_more_than_one_can_know_at_once():
    folders = Counter(file.parent for _, file in ALL if not file.stem.startswith("__"))
    wide = {str(f.relative_to(ROOT)) for f, modules in folders.items() if modules > MOST_MODULES}
    assert not wide


def test_no_two_files_of_tests_have_one_name():
    """Pytest imports them by their names alone, and would end before the first test."""
    names = Counter(file.name for file in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]


def of_ours(name):
    return name.split(".")[0] in ROOMS


@pytest.mark.parametrize("file", sorted((ROOT / "tests").rglob("*.py")), ids=lambda file: file.stem)
def test_tests_know_nothing_private(file):
    """What a test needs of a module is public, or reached through what is."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ImportFrom) and of_ours(node.module or ""):
            private = [alias.name for alias in node.names if re.match("_(?!_)", alias.name)]
            assert not private
