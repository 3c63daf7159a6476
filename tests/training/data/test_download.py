import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from training.data.download import DownloadError, download

ROOT = Path(__file__).parents[3]
RECORDS = [f"records100/0{k}000/0{k}00{i}_lr" for k in range(3) for i in range(8)]
WANTED = {
    "LICENSE.txt",
    "ptbxl_database.csv",
    "scp_statements.csv",
    *(f"{record}.{suffix}" for record in RECORDS for suffix in ("hea", "dat")),
}


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path[1:])
        time.sleep(self.server.delay_s)
        if self.server.failing.get(self.path[1:], 0):
            self.server.failing[self.path[1:]] -= 1
            self.server.fail(self)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """A server whose files fail as often as `failing` says, in the way of `fail`."""

    def __init__(self, root):
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(root)))
        self.asked, self.failing, self.delay_s, self.root = [], {}, 0.0, root
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.fail = lambda request: request.send_error(503)

    def handle_error(self, *_):
        """Stay silent where a client hangs up on purpose."""


def list_checksums(root, separator=" "):
    paths = sorted(p for p in root.rglob("*") if p.is_file() and p.name != "SHA256SUMS.txt")
    lines = [f"{sha256(p.read_bytes()).hexdigest()}{separator}{p.relative_to(root)}" for p in paths]
    (root / "SHA256SUMS.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def physionet(tmp_path, monkeypatch):
    """Yield a real server with a miniature PTB-XL, its 500 Hz records included."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root = tmp_path / "physionet"
    for i, name in enumerate([*sorted(WANTED), "records500/00000/00001_hr.dat", "example.py"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{i} {name}".encode() * 40)
    list_checksums(root)
    server = Server(root)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield server
    server.shutdown()
    server.server_close()


def names(folder):
    return {str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file()}


def complete_names(folder):
    return {name for name in names(folder) if not name.endswith(".part")}


def get(physionet, dest, **more):
    download(dest, physionet.url, jobs=3, backoff_s=0.01, **more)


def assert_complete(physionet, dest):
    assert names(dest) == WANTED
    for name in WANTED:
        assert (dest / name).read_bytes() == (physionet.root / name).read_bytes()


def test_the_tables_and_the_100_hz_records_are_fetched_and_nothing_else(physionet, tmp_path):
    get(physionet, tmp_path / "new" / "ptbxl")
    assert_complete(physionet, tmp_path / "new" / "ptbxl")
    assert len(physionet.asked) == len(WANTED) + 1


@pytest.mark.parametrize("separator", [" ", "  ", " *", "  ./"])
def test_any_usual_list_of_checksums_is_understood(physionet, tmp_path, separator):
    list_checksums(physionet.root, separator)
    get(physionet, tmp_path / "ptbxl")
    assert_complete(physionet, tmp_path / "ptbxl")


def test_what_is_there_is_checked_and_not_fetched_again(physionet, tmp_path):
    dest = tmp_path / "ptbxl"
    get(physionet, dest)
    physionet.asked.clear()
    (dest / "ptbxl_database.csv").write_text("damaged")
    (dest / f"{RECORDS[0]}.dat").unlink()
    get(physionet, dest)
    assert_complete(physionet, dest)
    wanted = {"SHA256SUMS.txt", "ptbxl_database.csv", f"{RECORDS[0]}.dat"}
    assert set(physionet.asked) == wanted


def test_a_kill_leaves_no_damaged_file_and_the_next_call_fetches_only_the_rest(physionet, tmp_path):
    dest = tmp_path / "ptbxl"
    physionet.delay_s = 0.03
    call = (
        "import sys; from pathlib import Path; from training.data.download import download; "
        "download(Path(sys.argv[1]), sys.argv[2], 2)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", call, str(dest), physionet.url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 15
    while len(complete_names(dest)) < 8 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = complete_names(dest)
    assert 8 <= len(kept) < len(WANTED)
    for name in kept:
        assert (dest / name).read_bytes() == (physionet.root / name).read_bytes()
    (dest / "records100" / ".half_lr.dat.x.part").write_bytes(b"half")
    time.sleep(0.1)
    physionet.asked.clear()
    physionet.delay_s = 0
    get(physionet, dest)
    assert_complete(physionet, dest)
    assert set(physionet.asked) == WANTED - kept | {"SHA256SUMS.txt"}


def hang_up(request):
    request.connection.close()


def cut_short(request):
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b"cut")
    request.close_connection = True


def damage(request):
    request.send_response(200)
    request.send_header("Content-Length", "7")
    request.end_headers()
    request.wfile.write(b"damaged")


@pytest.mark.parametrize(
    "fail",
    [
        lambda request: request.send_error(503),
        lambda request: request.send_error(429),
        hang_up,
        cut_short,
        damage,
    ],
    ids=["503", "429", "hangs up", "cut short", "damaged"],
)
def test_what_passes_is_tried_again(physionet, tmp_path, fail):
    physionet.fail = fail
    physionet.failing = {f"{RECORDS[3]}.dat": 2, "ptbxl_database.csv": 2, "SHA256SUMS.txt": 1}
    if fail is damage:
        del physionet.failing["SHA256SUMS.txt"]  # nothing vouches for the list itself
    get(physionet, tmp_path / "ptbxl")
    assert_complete(physionet, tmp_path / "ptbxl")
    assert physionet.asked.count(f"{RECORDS[3]}.dat") == 3


def test_what_stays_damaged_is_named_and_never_kept(physionet, tmp_path):
    path = physionet.root / f"{RECORDS[5]}.dat"
    path.write_bytes(b"damaged on the server")
    with pytest.raises(DownloadError, match=r"1 of 51 files.*arrived damaged.*same again"):
        get(physionet, tmp_path / "ptbxl", attempts=2)
    assert names(tmp_path / "ptbxl") == WANTED - {f"{RECORDS[5]}.dat"}


def test_what_is_not_there_is_asked_for_once_and_does_not_stop_the_rest(physionet, tmp_path):
    (physionet.root / f"{RECORDS[5]}.hea").unlink()
    with pytest.raises(DownloadError, match=r"1 of 51 files.*answers 404"):
        get(physionet, tmp_path / "ptbxl")
    assert physionet.asked.count(f"{RECORDS[5]}.hea") == 1
    assert names(tmp_path / "ptbxl") == WANTED - {f"{RECORDS[5]}.hea"}


def test_an_address_without_ptbxl_is_refused(physionet, tmp_path):
    with pytest.raises(DownloadError, match="answers 404.*Check the address"):
        download(tmp_path / "ptbxl", f"{physionet.url}elsewhere", backoff_s=0.01)
    (physionet.root / "SHA256SUMS.txt").write_text("<html>a login page</html>")
    with pytest.raises(DownloadError, match="this is not PTB-XL"):
        get(physionet, tmp_path / "ptbxl")


def test_a_server_that_cannot_be_reached_is_said_so(tmp_path):
    with pytest.raises(DownloadError, match="No connection"):
        download(tmp_path / "ptbxl", "http://127.0.0.1:9/", attempts=2, backoff_s=0.01)


def test_a_server_that_goes_away_is_given_up_and_the_rest_is_kept(physionet, tmp_path):
    physionet.failing = dict.fromkeys(WANTED - {"ptbxl_database.csv"}, 10**6)
    physionet.fail = hang_up
    with pytest.raises(DownloadError, match="files could not be had: No connection"):
        get(physionet, tmp_path / "ptbxl", attempts=1)
    assert len(set(physionet.asked)) < len(WANTED)


def test_names_that_lead_out_of_the_folder_are_not_fetched(physionet, tmp_path):
    evil = [
        "../evil.csv",
        "/etc/evil",
        "records100/../../evil.dat",
        "records100/00000/../../../evil.dat",
        "records100/..\\evil/x.dat",
    ]
    with (physionet.root / "SHA256SUMS.txt").open("a") as file:
        file.writelines(f"{'0' * 64} {name}\n" for name in evil)
    get(physionet, tmp_path / "ptbxl")
    assert_complete(physionet, tmp_path / "ptbxl")
    assert not any("evil" in asked for asked in physionet.asked)


def test_a_copy_from_elsewhere_is_completed(physionet, tmp_path):
    dest = tmp_path / "ptbxl"
    shutil.copytree(physionet.root / "records100", dest / "records100")
    physionet.asked.clear()
    get(physionet, dest)
    assert_complete(physionet, dest)
    assert len(physionet.asked) == 4
