"""Damaged files of every format, and those that once broke a reader.

PROTOECG_FUZZ=600 pytest --log-cli-level=INFO -k "damaged and EDF" tests/protoecg/readers
damages EDF files for ten minutes; PROTOECG_SEED begins another run. What breaks a reader is kept in
corpus/found.
"""

import io
import logging
import os
import signal
import sys
import tempfile
import time
import warnings
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import pytest
from damage import damaged
from test_dicom_reader import GOOD as DICOM
from test_edf_reader import GOOD as EDF
from test_hdf5_reader import HDF5
from test_holter_readers import ishne, mfer
from test_mat_reader import mat
from test_scp_reader import SLOW as SCP
from test_vendors_xml import cardiosoft, mortara, schiller
from test_xml_readers import AECG, MUSE, SIERRA
from test_zip_reader import CSV, DAT, HEADER, npz, packed

from protoecg.ecg import ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

LOG = logging.getLogger(__name__)
FUZZ_S = float(os.environ.get("PROTOECG_FUZZ", 0))
SEED = int(os.environ.get("PROTOECG_SEED", 1))
TRIES = 60
SECONDS = 2.0
MEMORY_MB = 300
FOUND = Path(__file__).parent / "corpus" / "found"
ECG = example("Atrial fibrillation")


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


# Each format's files; the one that is damaged is named "ecg".
FILES = {
    "WFDB header": {"ecg": HEADER, "ecg.dat": DAT},
    "WFDB samples": {"ecg.hea": HEADER.replace(b"ecg.dat", b"ecg"), "ecg": DAT},
    "EDF": {"ecg": EDF},
    "DICOM": {"ecg": DICOM},
    "XML aECG": {"ecg": AECG},
    "XML MUSE": {"ecg": MUSE},
    "XML Sierra": {"ecg": SIERRA},
    "XML CardioSoft": {"ecg": cardiosoft()},
    "XML Schiller": {"ecg": schiller()},
    "XML Mortara": {"ecg": mortara()},
    "SCP": {"ecg": SCP[0]},
    "SCP packed": {"ecg": SCP[1]},
    "ISHNE": {"ecg": ishne()},
    "MFER": {"ecg": mfer()},
    "MATLAB": {"ecg": mat(val=ECG.signal)["ecg.mat"]},
    "HDF5": {"ecg": HDF5},
    "CSV": {"ecg": CSV},
    "NPY": {"ecg": npy(ECG.signal)},
    "NPZ": {"ecg": npz(signal=ECG.signal[:, ::5], fs=100)},
    "ZIP": {"ecg": packed({"ecg.hea": HEADER, "ecg.dat": DAT})},
}
READERS = tuple(dict.fromkeys(name.split()[0] for name in FILES))


class TooLongError(BaseException):
    """The reader took more of the processor's time than it may; none of its own errors."""


class Watch:
    """Reports what is written, started or called outside of the folder for temporary files."""

    CHANGES = frozenset(
        ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate")
    )
    FORBIDDEN = frozenset(("subprocess.Popen", "os.system", "os.exec", "socket.connect"))
    WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def __init__(self):
        self.on, self.seen = False, []
        self._temporary = os.path.realpath(tempfile.gettempdir())
        sys.addaudithook(self._hook)

    def _hook(self, event, arguments):
        if not self.on:
            return
        changes = event in self.CHANGES or (event == "open" and (arguments[2] or 0) & self.WRITES)
        if event in self.FORBIDDEN or (changes and not self._is_temporary(event, arguments)):
            self.seen.append((event, repr(arguments)[:200]))

    def _is_temporary(self, event, arguments):
        if isinstance(arguments[0], int):
            return True
        path = os.fsdecode(arguments[0])
        # A folder is emptied by names that count from the folder, which is open.
        if event in ("os.remove", "os.rmdir") and arguments[1] >= 0:
            path = os.path.join(os.readlink(f"/proc/self/fd/{arguments[1]}"), path)
        return os.path.realpath(path).startswith(self._temporary + os.sep)


WATCH = Watch()


@contextmanager
def within_limits():
    """Hold a reader to its time, by the processor's clock, its memory and its place."""

    def stop(*_):
        raise TooLongError(f"more than {SECONDS} s")

    _forget_peak()
    before, WATCH.seen, WATCH.on = _memory_mb("VmRSS"), [], True
    former = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)
        WATCH.on = False
    assert not WATCH.seen
    assert _memory_mb("VmHWM") - before < MEMORY_MB


def _forget_peak():
    Path("/proc/self/clear_refs").write_text("5")


def _memory_mb(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1000


def read_or_refuse(files):
    """Return whether an ECG was read from files, which else are refused in a sentence."""
    try:
        with within_limits():
            ecg = read_ecg(files, rate=500)
        assert ecg.signal.shape[0] == 12
        assert np.isfinite(ecg.signal).all()
    except ECGError as error:
        assert 20 < len(str(error)) < 600
        return False
    return True


def keep(files):
    """Put files into the corpus, to be read again in every run; return their folder."""
    folder = FOUND / sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def tries():
    """Count the tries of a run, by the clock where it has one."""
    began = time.monotonic()
    for number in count():
        if time.monotonic() - began > FUZZ_S if FUZZ_S else number >= TRIES:
            return
        yield number


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_file_is_read_or_refused_in_time_but_never_breaks(reader):
    of_reader = [files for name, files in FILES.items() if name.split()[0] == reader]
    warnings.simplefilter("ignore")
    random, tried, read, broken = Random(f"{reader} {SEED}"), 0, 0, {}
    for _ in tries():
        files = random.choice(of_reader)
        files = files | {"ecg": damaged(files["ecg"], random)}
        tried += 1
        try:
            read += read_or_refuse(files)
        except (Exception, TooLongError) as error:
            if repr(error) not in broken:
                broken[repr(error)] = keep(files).name
    LOG.info(f"{reader}: seed {SEED}, {tried} tries, {read} read, {len(broken)} broken")
    assert not broken


@pytest.mark.parametrize("folder", sorted(FOUND.glob("*/")), ids=lambda folder: folder.name)
def test_what_broke_a_reader_once_is_read_or_refused(folder):
    read_or_refuse({file.name: file.read_bytes() for file in folder.iterdir()})


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("WFDB")])
def test_the_file_as_it_is_is_an_ecg_whatever_its_name(name):
    assert read_ecg({"holiday.jpg": FILES[name]["ecg"]}, rate=500).signal.shape[0] == 12
