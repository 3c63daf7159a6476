"""The proxy of deploy/, by a real nginx in front of the app."""

import datetime
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path
from string import Template

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import expect

from benchmarks.browser import chromium_path

ROOT = Path(__file__).resolve().parents[2]
HOST = "ecg.example.org"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx: install the system's package")

AROUND = """
daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events {}
http {
    client_body_temp_path body; proxy_temp_path proxied; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    include rendered.conf;
}
"""


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def certify(folder):
    """A certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "privkey.pem").write_bytes(private)
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Proxy:
    def __init__(self, folder, app_port):
        self.plain, self.port = free_ports(2)
        self.log = folder / "nginx.log"
        template = (ROOT / "deploy" / "nginx.conf.template").read_text()
        given = {"HOST": HOST, "APP": f"127.0.0.1:{app_port}", "CERTIFICATES": str(folder)}
        given |= {"HTTP": f"127.0.0.1:{self.plain}", "HTTPS": f"127.0.0.1:{self.port}"}
        # As envsubst does: nginx's own variables stay.
        (folder / "rendered.conf").write_text(Template(template).safe_substitute(given))
        (folder / "nginx.conf").write_text(AROUND)
        certify(folder)
        self._log = self.log.open("wb")
        self._process = subprocess.Popen(
            [NGINX, "-p", str(folder), "-c", "nginx.conf"], stdout=self._log, stderr=self._log
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            if not socket.socket().connect_ex(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text())

    def asks(self, path="/", method="GET", host=None, **headers):
        context = ssl._create_unverified_context()
        line = HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        all_headers = {"Host": host or f"{HOST}:{self.port}", "Accept": "text/html"} | headers
        line.request(method, path, headers={k.replace("_", "-"): v for k, v in all_headers.items()})
        return line.getresponse()

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=20)
        self._log.close()


@pytest.fixture(scope="module")
def proxy(make_server, tmp_path_factory):
    server = make_server(
        tmp_path_factory.mktemp("app"), STREAMLIT_SERVER_ALLOWED_HOSTS=f"127.0.0.1 {HOST}"
    )
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), server.port)
    yield proxy
    proxy.close()


def test_a_page_comes_by_tls_with_the_headers_of_safety(proxy):
    answer = proxy.asks()
    assert answer.status == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    # The app knows that browsers speak TLS, though the proxy speaks plainly to it.
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-protoecg_browser=") and "Secure" in cookie
    assert "nginx/" not in answer.headers["Server"]
    others = answer.headers.get_all("Set-Cookie")[1:]
    assert all("; secure" in other.lower() for other in others)


def test_no_cookie_that_streamlit_sets_for_a_sign_in_is_ever_sent_without_tls(proxy):
    left = proxy.asks("/auth/logout").headers.get_all("Set-Cookie")
    assert any(cookie.startswith("_streamlit_user=") for cookie in left)
    assert all("; secure" in cookie.lower() for cookie in left)


def test_who_comes_without_tls_is_sent_there(proxy):
    with socket.create_connection(("127.0.0.1", proxy.plain), timeout=10) as line:
        line.sendall(f"GET /rate?key=1 HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        reply = line.recv(10_000).decode()
    assert " 301 " in reply and f"Location: https://{HOST}/rate?key=1" in reply


def test_who_asks_by_another_name_gets_no_answer(proxy):
    with pytest.raises(ConnectionError):
        proxy.asks(host="evil.example.org")


def test_more_than_the_app_takes_is_refused_before_it_is_sent(proxy):
    answer = proxy.asks("/_stcore/upload_file/x/y", "PUT", Content_Length=str(211 * 2**20))
    assert answer.status == 413
    app = (ROOT / ".streamlit" / "config.toml").read_text()
    assert int(re.search(r"maxUploadSize = (\d+)", app)[1]) < 210


class TemporaryFiles:
    """Watches for files that nginx has open, but for its logs and settings, or has written."""

    def __init__(self, proxy):
        self.seen = set()
        self._folder = proxy.log.parent
        self._open = Path(f"/proc/{proxy._process.pid}/fd")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self.seen

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _watch(self):
        while not self._ended.is_set():
            for folder in ("body", "proxied"):
                self.seen |= {file.name for file in self._folder.glob(f"{folder}/**/*")}
            for link in self._open.iterdir():
                # One that is closed meanwhile was none that stays.
                with suppress(OSError):
                    where = os.readlink(link)
                    self.seen |= {where} if re.search("/(body|proxied)/", where) else set()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc on this machine")
def test_an_upload_is_on_no_disk_of_the_proxys_at_any_time(proxy):
    context = ssl._create_unverified_context()
    line = HTTPSConnection("127.0.0.1", proxy.port, context=context, timeout=20)
    size, pieces = 20_000_000, 100

    def body():
        for _ in range(pieces):
            time.sleep(0.01)
            yield bytes(size // pieces)

    with TemporaryFiles(proxy) as seen:
        headers = {"Host": f"{HOST}:{proxy.port}", "Content-Length": str(size)}
        line.request("PUT", "/_stcore/upload_file/nobody/1", body=body(), headers=headers)
        assert line.getresponse().status in (400, 403)
    assert not seen


def test_no_log_has_the_address_of_a_page_whatever_goes_wrong_with_it(tmp_path):
    (nobody,) = free_ports(1)
    proxy = Proxy(tmp_path, nobody)
    try:
        with ThreadPoolExecutor(16) as many:
            paths = ["/rate?key=secret-of-an-address"] * 400
            answers = Counter(many.map(lambda path: proxy.asks(path).status, paths))
        assert set(answers) == {502, 429}
        assert proxy.asks(paths[0], "PUT", Content_Length=str(211 * 2**20)).status in (413, 429)
    finally:
        proxy.close()
    log = proxy.log.read_text()
    assert "GET 502" in log and "secret-of-an-address" not in log


def test_a_page_works_by_its_websocket(proxy, playwright_of_proxy):
    page = playwright_of_proxy
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"https://{HOST}:{proxy.port}/?page=secret-of-an-address")
    expect(page.get_by_text("Research use only").first).to_be_visible(timeout=60_000)
    assert any(url.startswith("wss://") for url in sockets)
    log = proxy.log.read_text()
    assert "GET 200" in log and "secret-of-an-address" not in log


@pytest.fixture
def playwright_of_proxy(browser):
    """A browser that takes this machine for the host, and the certificate for a good one."""
    rules = f"--host-resolver-rules=MAP {HOST} 127.0.0.1"
    own = browser.browser_type.launch(
        executable_path=chromium_path(), args=["--no-sandbox", rules], env=dict(os.environ)
    )
    context = own.new_context(ignore_https_errors=True)
    yield context.new_page()
    own.close()
