"""Files in one step, also where writing fails or is killed; JSON that says what it is."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pydantic.dataclasses
import pytest

from protoecg.storage.files import (
    STRICT,
    Format,
    FormatError,
    Head,
    atomic_write,
    checksum,
    in_words,
    new_folder,
    write_bytes,
    write_json,
)

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from protoecg.storage.files import atomic_write

with atomic_write(Path(sys.argv[1])) as file:
    file.write(b"new")
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Recipe(Head):
    eggs: int


RECIPE = Format("protoecg-recipe", 3, Recipe, 1000, oldest=2)


def test_a_file_is_there_once_it_is_whole_and_its_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    with atomic_write(path) as file:
        file.write(b"con")
        assert not path.exists()
        file.write(b"tent")
    assert path.read_bytes() == b"content"
    assert list(path.parent.iterdir()) == [path]


def test_writing_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old"
    # Hidden, so that it is not taken for an ECG or for the file itself.
    assert all(left.name.startswith(".") for left in tmp_path.iterdir() if left != path)


def test_who_may_read_a_file_stays_and_all_may_read_a_new_one(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch(mode=0o600)
    old.chmod(0o600)
    for path in (old, new):
        write_bytes(path, b"x")
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert stat.S_IMODE(new.stat().st_mode) == 0o644


def test_what_must_last_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("sync"), sync(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    write_bytes(tmp_path / "file", b"x")
    assert done == ["sync", "replace", "sync"]
    done.clear()
    write_bytes(tmp_path / "file", b"x", sync=False)
    assert done == ["replace"]


def test_json_is_written_as_people_read_it(tmp_path):
    write_json(tmp_path / "file", {"ä": [1]})
    assert (tmp_path / "file").read_text(encoding="utf-8") == '{\n "ä": [\n  1\n ]\n}\n'


def test_a_checksum_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert checksum(tmp_path / "file").startswith("ba7816bf")


def test_what_was_written_is_read_again(tmp_path):
    RECIPE.write(tmp_path / "recipe.json", eggs=3)
    assert RECIPE.read(tmp_path / "recipe.json") == Recipe(
        format="protoecg-recipe", version=3, eggs=3
    )


RECIPE_2 = {"format": "protoecg-recipe", "version": 2, "eggs": 3}


def test_an_older_version_is_read(tmp_path):
    write_json(tmp_path / "recipe.json", RECIPE_2)
    assert RECIPE.read(tmp_path / "recipe.json").eggs == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is damaged"),
        (b"{", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (b"[" * 900, "is damaged"),
        (b" " * 1001, "larger than any"),
        (b"[]", "not written by ProtoECG"),
        (b'{"format": "protoecg-soup", "version": 3}', "not written by ProtoECG"),
        (json.dumps(RECIPE_2 | {"eggs": "3"}).encode(), r"recipe.json.eggs: .*valid integer"),
        (json.dumps(RECIPE_2 | {"salt": 1}).encode(), r"recipe.json.salt: "),
        (b'{"format": "protoecg-recipe", "version": 2}', r"recipe.json.eggs: Field required"),
    ],
)
def test_what_is_not_of_the_format_is_refused_with_the_reason(tmp_path, content, words):
    (tmp_path / "recipe.json").write_bytes(content)
    with pytest.raises(FormatError, match=words) as refused:
        RECIPE.read(tmp_path / "recipe.json")
    assert not refused.value.newer


@pytest.mark.parametrize("version", [1, 4, None, "3", 2.0, True])
def test_a_version_that_is_not_known_asks_for_an_update(tmp_path, version):
    write_json(tmp_path / "recipe.json", RECIPE_2 | {"version": version})
    with pytest.raises(FormatError, match="recipe format .*reads up to 3. Update") as refused:
        RECIPE.read(tmp_path / "recipe.json")
    assert refused.value.newer


def test_a_new_folder_is_there_when_all_of_it_is(tmp_path):
    with new_folder(tmp_path / "new") as part:
        (part / "one").write_text("1")
        assert not (tmp_path / "new").exists()
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["one"]


def test_of_a_new_folder_that_fails_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="no"), new_folder(tmp_path / "new") as part:
        (part / "one").write_text("1")
        raise ValueError("no")
    assert not list(tmp_path.iterdir())


def test_a_new_folder_takes_no_others_place(tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(FileExistsError, match="is there already"), new_folder(tmp_path / "new"):
        pass


def test_what_a_kill_left_of_a_new_folder_is_not_in_the_next(tmp_path):
    (tmp_path / ".new.part").mkdir()
    (tmp_path / ".new.part" / "rest").write_text("of before")
    with new_folder(tmp_path / "new"):
        pass
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_said_in_words_with_the_file(number):
    text = in_words(OSError(number, os.strerror(number), "some/file"))
    assert "no room left to write some/file" in text and "Free some" in text
    assert in_words(ValueError("as it is")) == "as it is"
