"""Settings in TOML by somebody who means harm."""

import subprocess
import sys

import pytest

from protoecg.storage.files import MAX_TOML_DOTS, read_toml

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
from protoecg.storage.files import read_toml
try:
    print("read", len(read_toml({text})))
except ValueError as error:
    print(error)
"""


def test_settings_are_read():
    assert read_toml('a.b = 1.5\n[c]\nd = "e"') == {"a": {"b": 1.5}, "c": {"d": "e"}}


@pytest.mark.parametrize(
    "text",
    [
        "'a.' * 50_000 + 'b = 1'",
        "'[' + 'a.' * 40_000 + 'b]'",
        f"('a.' * {MAX_TOML_DOTS} + 'b = 1').replace('a', '1')",
        "'a = ' + '[' * 90_000",
        "'a = ' + '{b = ' * 20_000",
        "'a = ' + '9' * 90_000",
        "'a = 1' * 100_000",
    ],
)
def test_what_is_made_to_exhaust_a_reader_is_refused_or_read_in_bounds(text):
    command = [sys.executable, "-c", LIMITED.format(text=text)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout


def test_a_number_of_too_many_digits_is_refused_in_words_of_our_own():
    with pytest.raises(ValueError, match="too many digits"):
        read_toml(f"seed = {'9' * 5000}")
