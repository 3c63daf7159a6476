import pytest

from pages.shell import words
from pages.shell.words import capitalised


def test_a_text_begins_with_a_capital_and_keeps_those_that_it_has():
    assert capitalised("an ECG to read") == "An ECG to read"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("/srv/app/models/x/weights.safetensors is missing.", "weights.safetensors is missing."),
        ("[Errno 13] Permission denied: '/srv/data/r.db'", "[Errno 13] Permission denied: 'r.db'"),
        (
            "The database /srv/r.db and its log /srv/r.db-wal",
            "The database r.db and its log r.db-wal",
        ),
        ("See https://example.org/a/b, 3/4 and models/demo.",) * 2,
    ],
)
def test_an_error_of_the_server_names_no_folder(message, shown):
    assert words.of_server(ValueError(message)).replace("\\", "") == shown
