"""What has no end, in a folder that somebody hands over, keeps nobody waiting."""

import os
import sys
import threading

import pytest

from protoecg.ecg import ECGError
from protoecg.readers import files_of
from protoecg.storage.spreadsheet import read_csv

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither")


@pytest.fixture(params=["pipe", "device"])
def endless(request, tmp_path):
    place = tmp_path / "ecg.csv"
    if request.param == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("/dev/zero")
    return place


def refusal(call, path):
    """What a call raises, in ten seconds at most."""
    raised = []

    def calls():
        try:
            call(path)
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=calls, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return raised[0]


def test_it_is_no_file_of_an_ecg(endless):
    message = refusal(files_of, endless)
    assert isinstance(message, ECGError) and "is no file" in str(message)


def test_it_is_no_table(endless):
    assert "is no file" in str(refusal(read_csv, endless))
