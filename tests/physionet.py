"""A server of one's own in PhysioNet's place, and records as PTB-XL has them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from protoecg.ecg import LEADS


class PhysioNet(ThreadingHTTPServer):
    """Serves a folder that is laid out as PTB-XL; `asked` lists the paths asked for.

    `broken` maps a path to the status that it is answered with. While `breaks_off_after` is not
    None, that many paths are answered whole, and of each later one the first half.
    """

    daemon_threads = True

    def __init__(self, root: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), partial(_Handler, directory=str(root)))
        self.asked: list[str] = []
        self.broken: dict[str, int] = {}
        self.breaks_off_after: int | None = None
        self.root = root

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_: object) -> None:
        """Stay silent where a client hangs up on purpose."""


class _Handler(SimpleHTTPRequestHandler):
    server: PhysioNet

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        after = self.server.breaks_off_after
        if self.path in self.server.broken:
            self.send_error(self.server.broken[self.path])
        elif after is not None and len(self.server.asked) > after:
            self._half()
        else:
            super().do_GET()

    def _half(self) -> None:
        content = (self.server.root / self.path.lstrip("/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(root: Path, port: int = 0) -> Iterator[PhysioNet]:
    """Serve a folder until the end of the block."""
    server = PhysioNet(root, port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def write_record(root, record, seed=0, *, gain="1000.0(0)/mV", leads=LEADS, rate=100):
    """Write a record as PTB-XL has it."""
    place = Path(root) / record
    place.parent.mkdir(parents=True, exist_ok=True)
    name = place.name
    digital = np.random.default_rng(seed).integers(-900, 900, (1000, 12)).astype("<i2")
    lines = [f"{name}.dat 16 {gain} 16 0 0 0 0 {lead}" for lead in leads]
    place.with_name(f"{name}.hea").write_text("\n".join([f"{name} 12 {rate} 1000", *lines]))
    place.with_name(f"{name}.dat").write_bytes(digital.tobytes())
    return digital.T / 1000
