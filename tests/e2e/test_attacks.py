"""Who must not get in, tried by a browser or a client of one's own making at a real server."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect
from stranger import Stranger
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLsRequest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus

from benchmarks.visitor import Visitor
from review_db import open_database
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study

ROOT = Path(__file__).resolve().parents[2]
KEY = "a coordinator's key that is long enough"
EVIL = "evil.example"


@pytest.fixture(scope="module")
def guarded(browser, make_server, tmp_path_factory):
    """A server with a coordinator's key and a study."""
    folder = tmp_path_factory.mktemp("guarded")
    server = make_server(folder, PROTOECG_COORDINATOR_KEY=KEY)
    engine = open_database(server.database)
    design = Design("pilot", ("R01", "R02"), 1, title="The pilot", sample=Sample(size=2))
    create_study(engine, design, bundle_material(ROOT / "models" / "demo"))
    server.keys = start_study(engine, "pilot")
    engine.dispose()
    return server


def give_key(tab, key=KEY):
    field = tab.get_by_label("The coordinator's key")
    field.fill(key)
    field.press("Enter")


def session_of(tab, url):
    """Open a page and return the id of its session, as the server tells it to the browser."""
    ids = []

    def read(frame):
        message = ForwardMsg.FromString(frame)
        ids.append(message.new_session.initialize.session_id)

    tab.on("websocket", lambda socket: socket.on("framereceived", read))
    tab.goto(url)
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
    return next(filter(None, ids))


def test_a_name_that_was_made_to_lead_here_opens_nothing(guarded):
    page = requests.get(f"{guarded.url}/studies", headers={"Host": EVIL}, timeout=30)
    assert page.status_code == 403
    assert "server.allowedHosts" in page.text
    with pytest.raises(InvalidStatus, match="403"):
        Stranger(guarded.url, host=EVIL, Origin=guarded.url.replace("127.0.0.1", EVIL))


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "null"])
def test_a_page_of_another_address_opens_no_connection(guarded, origin):
    with pytest.raises(InvalidStatus, match="403"):
        Stranger(guarded.url, Origin=origin)
    put = requests.put(
        f"{guarded.url}/_stcore/upload_file/1/1", headers={"Origin": origin}, timeout=30
    )
    assert put.status_code == 403


def test_no_other_page_shows_this_one_in_a_frame_of_its_own(guarded, tab):
    headers = requests.get(f"{guarded.url}/studies", timeout=30).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    # Addresses hold keys, and an upload is shown as what the server says that it is.
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"

    tab.goto(f"data:text/html,<iframe src='{guarded.url}/rate'></iframe>")

    tab.wait_for_timeout(2000)
    assert "Your reviewer code" not in tab.frames[-1].content()


@pytest.fixture
def elsewhere():
    """Another server, and the paths that it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_a_page_loads_nothing_from_elsewhere(guarded, tab, elsewhere):
    url, asked = elsewhere
    tab.goto(f"{guarded.url}/rate?bundle=demo&reviewer=![x]({url}/markdown)")
    expect(tab.get_by_text("Your reviewer code")).to_be_visible()

    for kind in ("img", "script", "iframe"):
        tab.evaluate(
            f"document.body.append(Object.assign(document.createElement('{kind}'), "
            f"{{src: '{url}/{kind}'}}))"
        )
    got = tab.evaluate(f"fetch('{url}/fetch', {{mode: 'no-cors'}}).then(() => 1, () => 0)")

    tab.wait_for_timeout(1000)
    assert (got, asked) == (0, [])


def test_the_id_of_a_coordinators_session_opens_nothing_to_whoever_learns_it(guarded, tab):
    stolen = session_of(tab, f"{guarded.url}/studies?study=pilot")
    give_key(tab)
    expect(tab.get_by_text("started 20")).to_be_visible()

    thief = Stranger(guarded.url, stolen)
    text = thief.open("studies", "study=pilot")

    assert thief.session != stolen
    assert "coordinator" in text
    assert "pilot" not in text.replace("study=pilot", "")
    thief.close()
    expect(tab.get_by_text("started 20")).to_be_visible()
    tab.get_by_role("link", name="Results").click()
    expect(tab.get_by_role("button", name="All ratings as CSV")).to_be_visible()


def test_a_header_that_says_which_browser_it_is_makes_it_no_other(guarded, tab):
    stolen = session_of(tab, f"{guarded.url}/studies")
    give_key(tab)
    expect(tab.get_by_text("started 20")).to_be_visible()
    cookie = next(c for c in tab.context.cookies() if c["name"] == "protoecg_browser")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"

    for value in (cookie["value"], ""):
        thief = Stranger(guarded.url, stolen, **{"X-ProtoECG-Browser": value})
        assert "pilot" not in thief.open("studies")
        thief.close()


def test_nobody_empties_what_the_server_remembers_of_others(guarded, tab):
    tab.goto(f"{guarded.url}/studies?study=pilot")
    give_key(tab)
    expect(tab.get_by_text("started 20")).to_be_visible()

    stranger = Stranger(guarded.url)
    stranger.send(BackMsg(clear_cache=True))
    stranger.open("rate")
    stranger.close()

    tab.get_by_role("link", name="Results").click()
    expect(tab.get_by_role("button", name="All ratings as CSV")).to_be_visible()


def test_nobody_has_the_server_make_addresses_for_more_files_than_a_page_takes(guarded):
    stranger = Stranger(guarded.url)
    asked = FileURLsRequest(request_id="many", file_names=["one.dat"] * 300_000)
    stranger.send(BackMsg(file_urls_request=asked))
    text = stranger.open("rate")
    assert "upload_url" not in text and "a field takes 1,000 at once" in text
    stranger.close()


def test_files_that_no_page_asks_for_fill_no_memory_and_go_with_the_tab(guarded):
    largest = bytes(199_000_000)
    visitor = Visitor(guarded.url, "explain")
    visitor.open()
    visitor.send_file("one", largest)
    visitor.send_file("two", largest)
    with pytest.raises(requests.HTTPError, match="413"):
        visitor.send_file("three", largest)
    other = Visitor(guarded.url, "explain")
    other.open()
    other.send_file("small", b"1,2")
    visitor.close()
    other.close()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_what_the_server_counts_is_told_to_nobody_elsewhere(guarded, header):
    url = f"{guarded.url}/_stcore/metrics"
    answer = requests.get(url, headers={header: "203.0.113.7"}, timeout=30)
    assert answer.status_code == 403
    assert "pages" not in answer.text
    assert "cache" in requests.get(url, timeout=30).text


def test_the_right_is_the_browsers_in_every_tab_until_signed_out(guarded, tab, browser):
    tab.goto(f"{guarded.url}/studies")
    give_key(tab)
    expect(tab.get_by_text("started 20")).to_be_visible()
    tab.get_by_text("Keys and reviewers").click()
    second = tab.context.new_page()
    second.goto(f"{guarded.url}/results")
    expect(second.get_by_role("button", name="All ratings as CSV")).to_be_visible()

    second.get_by_role("button", name="Sign out").click()

    expect(second.get_by_label("The coordinator's key")).to_be_visible()
    tab.get_by_role("button", name="Make another key").click()
    expect(tab.get_by_label("The coordinator's key")).to_be_visible()
    expect(tab.get_by_text("Hand each reviewer")).to_have_count(0)


def test_a_wrong_key_opens_nothing_and_has_the_next_one_wait(guarded, tab):
    tab.goto(f"{guarded.url}/results")
    give_key(tab, "a guess that is long enough too")

    expect(tab.get_by_text("This is not the coordinator's key. Wait 1 s")).to_be_visible()
    expect(tab.get_by_role("button", name="All ratings as CSV")).to_have_count(0)


def test_no_id_of_a_session_stands_in_the_log(guarded, tab):
    mine = session_of(tab, f"{guarded.url}/rate")
    cookie = next(c for c in tab.context.cookies() if c["name"] == "protoecg_browser")
    same = Stranger(guarded.url, mine, Cookie=f"protoecg_browser={cookie['value']}")
    same.open("rate")
    Stranger(guarded.url, same.session or mine).open("rate")

    log = guarded.log.read_text()

    assert "id hidden" in log
    assert mine not in log


def test_a_server_with_a_key_that_can_be_guessed_does_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "open sesame")
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    ended = subprocess.run(
        [*command, "--server.port=0"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode != 0
    assert "has 11 characters, expected 16 or more" in ended.stderr
    assert "Traceback" not in ended.stderr
