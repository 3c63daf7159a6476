import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_readers_fuzz import FILES, npy

from protoecg import isolation, readers
from protoecg.ecg import ECGError
from protoecg.isolation import landlock
from protoecg.isolation.limits import Limits
from protoecg.isolation.pool import Pool
from protoecg.isolation.server import Server
from protoecg.isolation.turns import Turns
from protoecg.readers.given import Given
from protoecg.simulate import example

ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits(processor_s=1, clock_s=4, memory_mb=300)
ECG = example("Atrial fibrillation")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The folder for temporary files, seen by nobody else."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def pool(folders):
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture
def hostile(folders, monkeypatch):
    """A pool whose children run the code that they are sent as the file."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(Path(__file__).parent))))
    pool = Pool(2, partial(Server, "hostile_forkserver"))

    def run(code, limits=LIMITS):
        pool.read({"ecg": code.encode()}, limits=limits)

    run.pool = pool
    # The times below are of the files, not of the start.
    with pytest.raises(ECGError, match="^{}$"):
        run("")
    yield run
    pool.close()


def processes():
    """Processes of this user's that fork readers, or were forked."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"forkserver" in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


def server_of(pool):
    return pool._running()._process.pid


def children_of(process):
    return [p for p in processes() if f"PPid:\t{process}\n" in status(p)]


def status(process):
    """What the system says of a process that has not ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return ""
    # One that nobody has asked for since it ended.
    return "" if "State:\tZ" in text else text


def soon(true, seconds=10):
    """Wait until something is true, and say whether it came to be."""
    end = time.monotonic() + seconds
    while not (come := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return come


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_read_as_in_this_process(name):
    there = isolation.read_recording(FILES[name], rate=500)
    here = readers.read_recording(FILES[name], rate=500)
    np.testing.assert_array_equal(there.signal, here.signal)
    assert (there.rate, there.source, there.notes) == (here.rate, here.source, here.notes)
    assert there.taken == here.taken


def test_what_is_no_ecg_is_refused_in_the_same_words():
    for content in (b"", b"%PDF-1.7", b"0       " * 40, b"a,b\n1,2"):
        with pytest.raises(ECGError) as here:
            readers.read_recording({"x": content})
        with pytest.raises(ECGError) as there:
            isolation.read_recording({"x": content})
        assert str(there.value) == str(here.value)


def test_recordings_of_one_hand_share_a_process_and_are_read_as_in_one_each(pool):
    no_ecg = {"x.pdf": b"%PDF-1.7"}
    some = [FILES["NPY"], no_ecg, FILES["CSV"]]
    read, refused, last = pool.read_together(some, given=Given(rate=500), limits=LIMITS)
    for one, files in ((read, FILES["NPY"]), (last, FILES["CSV"])):
        alone = readers.read_recording(files, rate=500)
        np.testing.assert_array_equal(one.signal, alone.signal)
        assert (one.rate, one.source, one.notes) == (alone.rate, alone.source, alone.notes)
    assert isinstance(refused, ECGError) and "a PDF" in str(refused)


@pytest.mark.parametrize("code", ["while True: pass", "import os; os.kill(os.getpid(), 11)"])
def test_what_ends_the_process_that_recordings_share_costs_no_other_its_answer(hostile, code):
    codes = ["say(pid=__import__('os').getpid())"] * 2 + [code, "say(x=1)", "say(x=2)"]
    some = [{"ecg": code.encode()} for code in codes]
    errors = [str(error) for error in hostile.pool.read_together(some, limits=LIMITS)]
    assert errors[0] == errors[1] and "pid" in errors[0]
    assert "so reading it was stopped" in errors[2]
    assert errors[3:] == ["{'x': 1}", "{'x': 2}"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("while True: pass", "takes more time"),
        ("import time; time.sleep(60)", "takes more time"),
        ("import signal, time; signal.pthread_sigmask(0, range(1, 65)); time.sleep(60)", "time"),
        ("import os; os.kill(os.getpid(), 11)", "breaks the program"),
        ("import os; os._exit(0)", "breaks the program"),
        ("connection.sendall(b'\\xff' * 100)", "breaks the program"),
        ("connection.sendall(b'\\0\\0\\0\\2\\0\\0\\0\\0[]')", "breaks the program"),
        ("connection.sendall(b'\\0\\0\\0\\1\\0\\0\\0\\0{')", "breaks the program"),
        ("connection.sendall(b'\\0\\0\\0\\2\\0\\0\\0\\4{}abcd')", "breaks the program"),
        ("connection.close()", "breaks the program"),
        ("say(x=bytearray(400_000_000)[0])", r"^\{\}$"),
        ("open('big', 'wb').write(bytes(70_000_000)); say(x=1)", r"^\{\}$"),
        ("import socket; socket.create_connection(('127.0.0.1', 9)); say(x=1)", r"^\{\}$"),
        ("import subprocess; subprocess.run(['true']); say(x=1)", r"^\{\}$"),
        ("import os; os.system('true'); say(x=1)", r"^\{\}$"),
        ("[open('/dev/null') for _ in range(100)]; say(x=1)", r"^\{\}$"),
    ],
)
def test_a_reader_that_a_file_took_over_gets_no_more_than_it_may(hostile, code, words):
    began = time.monotonic()
    with pytest.raises(ECGError, match=words):
        hostile(code)
    assert time.monotonic() - began < LIMITS.clock_s + 5


def test_what_the_code_of_these_tests_says_is_heard(hostile):
    with pytest.raises(ECGError, match="'x': 1"):
        hostile("say(x=1)")


def test_no_network_is_there_beside_python_either(hostile):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        address = bytes([2, 0, port >> 8, port & 255, 127, 0, 0, 1]) + bytes(8)
        code = (
            "import ctypes\nlibc = ctypes.CDLL(None)\nsay(alone=__import__('__main__').alone)\n"
            f"say(connected=libc.connect(libc.socket(2, 1, 0), {address!r}, 16))"
        )
        with pytest.raises(ECGError) as outcome:
            hostile(code)
    if "'alone': False" in str(outcome.value):
        pytest.skip("this system lets users make no namespaces")
    assert "'connected': -1" in str(outcome.value)


@pytest.mark.skipif(not landlock.version(), reason="this system has no Landlock")
@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/hostname').read()",
        f"open({str(ROOT / 'README.md')!r}).read()",
        "__import__('os').listdir('/')",
        "open('../patient', 'w')",
        f"open({str(ROOT / 'protoecg' / 'left.py')!r}, 'w')",
        "open(f'/proc/{__import__(\"os\").getppid()}/environ').read()",
        "__import__('os').kill(__import__('os').getppid(), 0)",
        "__import__('os').symlink('/etc', 'etc'); __import__('os').listdir('etc')",
    ],
)
def test_no_file_or_process_of_others_is_seen(hostile, code):
    with pytest.raises(ECGError, match=r"^\{\}$"):
        hostile(f"{code}; say(x=1)")


def test_neither_the_environment_nor_files_of_others_are_handed_down(hostile, monkeypatch):
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "a secret")
    slow = threading.Thread(target=refused, args=(hostile, "import time; time.sleep(3)"))
    slow.start()
    with pytest.raises(ECGError) as outcome:
        hostile(
            "import os; say(key='PROTOECG_COORDINATOR_KEY' in os.environ, sockets=sum("
            "os.readlink(f'/proc/self/fd/{n}').startswith('socket') for n in range(64)"
            " if os.path.lexists(f'/proc/self/fd/{n}')))"
        )
    slow.join()
    assert str(outcome.value) == "{'key': False, 'sockets': 1}"


def refused(run, code):
    with pytest.raises(ECGError):
        run(code)


@pytest.mark.parametrize(
    "code", ["open('patient', 'w')", "open('patient', 'w'); import time; time.sleep(60)"]
)
def test_a_child_leaves_no_file_however_it_ends(hostile, folders, code):
    refused(hostile, code)
    assert soon(lambda: not list(folders.rglob("patient")), 3)


def test_a_file_after_another_finds_nothing_changed(hostile):
    refused(hostile, "import builtins; builtins.left = 1")
    with pytest.raises(ECGError, match="False"):
        hostile("import builtins; say(left=hasattr(builtins, 'left'))")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_a_server_that_was_ended_or_stopped_is_replaced(pool, folders, end):
    limits = Limits(processor_s=2, clock_s=4, memory_mb=300)
    pool.read(FILES["NPY"], given=Given(500), limits=limits)
    before = server_of(pool)
    os.kill(before, end)
    assert pool.read(FILES["NPY"], given=Given(500), limits=limits).rate == 500
    assert before not in processes()
    assert len(list(folders.iterdir())) == 1


def test_what_is_read_when_the_server_is_killed_ends_by_itself(hostile, folders):
    code = "import os, time; open('child', 'w').write(f'{os.getpid()}\\n'); time.sleep(60)"
    began = threading.Thread(target=refused, args=(hostile, code))
    began.start()

    def child():
        # That of the file before may not have ended yet, so that the server may have two.
        (text, *_) = [file.read_text() for file in folders.rglob("child")] or [""]
        return int(text) if text.endswith("\n") else 0

    reading = soon(child)
    assert status(reading)
    os.kill(server_of(hostile.pool), signal.SIGKILL)
    assert soon(lambda: not status(reading))
    began.join()


READS = """
import sys, tempfile, threading, time
tempfile.tempdir = sys.argv[1]
from functools import partial
from protoecg.isolation import landlock
from protoecg.isolation.limits import Limits
from protoecg.isolation.pool import Pool
from protoecg.isolation.server import Server
from protoecg.isolation.turns import Turns
from protoecg.readers.given import Given
pool = Pool(2, partial(Server, "hostile_forkserver"))
limits = Limits(20, 20, 300)
code = b"open('patient', 'w').write('x'); import time; time.sleep(60)"
threading.Thread(target=lambda: pool.read({"x": code}, limits=limits)).start()
time.sleep(60)
"""


@pytest.fixture
def reading(folders):
    """A process in which a file is being read that takes for ever."""
    path = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    process = subprocess.Popen(
        [sys.executable, "-c", READS, str(folders)], env=os.environ | {"PYTHONPATH": path}
    )
    assert soon(lambda: list(folders.rglob("patient")), 30)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_with_the_app_its_readers_and_their_files_are_gone(reading, folders, end):
    server = next(p for p in children_of(reading.pid))
    below = [server, *children_of(server)]
    reading.send_signal(end)
    reading.wait()
    assert soon(lambda: not any(map(status, below)))
    assert soon(lambda: not list(folders.iterdir()))


def test_what_a_kill_of_all_left_is_gone_at_the_next_start_and_only_that(reading, folders):
    mine = Pool()
    mine.warm_up()
    server = next(p for p in children_of(reading.pid))
    for process in (server, *children_of(server), reading.pid):
        os.kill(process, signal.SIGKILL)
    reading.wait()
    assert list(folders.rglob("patient"))
    other = Pool()
    assert not list(folders.rglob("patient"))
    assert len(list(folders.iterdir())) == 1
    mine.close()
    other.close()


def test_many_at_once_each_get_their_own_answer_in_turn(pool):
    signals = [np.roll(ECG.signal, n * 50, axis=1) for n in range(12)]
    found = [None] * len(signals)

    def read(n):
        content = np.ascontiguousarray(signals[n])
        files, limits = {"x": npy(content)}, isolation.ONE_FILE
        found[n] = pool.read(files, given=Given(500), limits=limits).signal

    threads = [threading.Thread(target=read, args=(n,)) for n in range(len(signals))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for read_signal, signal_ in zip(found, signals, strict=True):
        np.testing.assert_array_equal(read_signal, signal_)


def test_who_came_first_goes_first_and_who_waits_too_long_is_told():
    turns, order = Turns(1), []

    def take(name):
        with turns.one(10):
            order.append(name)

    with turns.one(0):
        threads = []
        for name in range(8):
            threads.append(threading.Thread(target=take, args=(name,)))
            threads[-1].start()
            assert soon(lambda: len(turns._waiting) == len(threads))
        with pytest.raises(TimeoutError):
            turns._await(0.01)
    for thread in threads:
        thread.join()
    assert order == list(range(8))
    with turns.one(0):
        pass


def test_the_server_has_one_thread_no_network_and_no_networks_code(pool):
    pool.read(FILES["NPY"], given=Given(500), limits=isolation.ONE_FILE)
    server = server_of(pool)
    assert "Threads:\t1\n" in status(server)
    assert "torch" not in Path(f"/proc/{server}/maps").read_text()
    alone = os.readlink(f"/proc/{server}/ns/net") != os.readlink("/proc/self/ns/net")
    assert alone == (subprocess.run(["unshare", "--user", "--net", "true"]).returncode == 0)
