import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from protoecg.ecg import LEADS
from protoecg.simulate import simulate

PAGES = {
    "explain": "A worked example",
    "batch": "Explain many ECGs",
    "library": "Prototypes",
    "rate": "Your reviewer code",
    "results": "Results",
    "take_part": "Take part in a study",
    "sitting": "Take part in a study",
    "model_card": "What it was trained on",
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WFDB record of ten seconds at 500 Hz with premature ventricular complexes."""
    ecg = simulate({"PVC", "SR"}, seed=7, rate=500).ecg
    counts = np.rint(1000 * ecg.signal).astype("<i2")
    folder = tmp_path_factory.mktemp("record")
    lines = [f"pvc {len(LEADS)} 500 {counts.shape[1]}"]
    lines += [
        f"pvc.dat 16 1000(0)/mV 16 0 {row[0]} 0 0 {lead}"
        for lead, row in zip(LEADS, counts, strict=True)
    ]
    (folder / "pvc.hea").write_text("\n".join(lines) + "\n")
    (folder / "pvc.dat").write_bytes(counts.T.tobytes())
    return folder / "pvc"


def upload(tab: Page, url: str, *files: Path) -> None:
    tab.goto(f"{url}/explain?bundle=demo")
    tab.locator("input[type=file]").first.set_input_files(list(files))


def upload_files(tab: Page, record: Path) -> None:
    files = [record.with_suffix(".hea"), record.with_suffix(".dat")]
    tab.locator("input[type=file]").first.set_input_files(files)


def upload_record(tab: Page, url: str, record: Path) -> None:
    tab.goto(f"{url}/explain?bundle=demo")
    upload_files(tab, record)
    # A worked example stands there before.
    expect(tab).to_have_url(re.compile(r"\becg="))
    # It stays, grey, until all of the new page is drawn.
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(tab.get_by_role("radiogroup", name="Rhythm")).to_be_visible()


def choose_finding(tab: Page, name: str) -> None:
    # A list that is drawn anew under the mouse takes no click.
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
    # A case's own statements are named on the page too.
    tab.get_by_role("radiogroup").get_by_text(name, exact=True).click()


def drawn(tab: Page, number: int) -> None:
    expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(tab.locator(".js-plotly-plot")).to_have_count(number)


@pytest.mark.parametrize("name", PAGES)
def test_a_deep_link_to_a_cold_server_opens_the_page_with_its_notice(own_server, tab, name):
    tab.goto(f"{own_server.url}/{name}")

    expect(tab.get_by_text(PAGES[name], exact=True).first).to_be_visible()
    expect(tab.get_by_text("Research use only. Not a medical device.")).to_be_visible()
    expect(tab.get_by_role("link", name="Library")).to_be_visible()
    expect(tab.get_by_text("Page not found")).to_have_count(0)


def test_nothing_is_fetched_from_elsewhere(server, tab):
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))

    for name in PAGES:
        tab.goto(f"{server.url}/{name}?example=Atrial+fibrillation&reviewer=R09")
        expect(tab.get_by_text("Research use only")).to_be_visible()

    local = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(local)] == []


def test_an_uploaded_record_is_explained_and_its_windows_are_drawn(server, tab, record):
    upload_record(tab, server.url, record)

    drawn(tab, 2)
    # It opens on what matters, not on sinus rhythm.
    expect(tab.get_by_role("heading", name="Ventricular premature complex")).to_be_visible()
    expect(tab.locator(".js-plotly-plot text", has_text="compared below").first).to_be_visible()
    expect(tab.locator(".js-plotly-plot text", has_text="the case").first).to_be_visible()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
def test_the_first_view_is_a_reading_and_all_of_it_can_be_reached(server, tab, size):
    width, height = size
    tab.set_viewport_size({"width": width, "height": height})
    tab.goto(f"{server.url}/explain?bundle=demo&example=Premature+ventricular+complexes")
    drawn(tab, 2)

    paper = tab.locator('[class*="st-key-frame-query"]').bounding_box()
    groups = [tab.get_by_role("radiogroup", name=name) for name in ("Likely", "Rhythm")]
    if width == 1440:
        # The tracing at full width, and the statements, are in sight without scrolling.
        assert paper["width"] > 0.9 * width
        assert all(group.bounding_box()["y"] + 40 < height for group in groups)
    # Nothing is wider than the page: what is, is scrolled within its own frame.
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    drawing = tab.locator('[class*="st-key-frame-query"] .main-svg').first.bounding_box()
    assert drawing["width"] >= 700
    groups[1].get_by_text("Sinus rhythm").click()
    expect(tab.get_by_role("heading", name="Sinus rhythm")).to_be_visible()


def test_what_was_shown_of_another_ecg_is_gone_before_the_next_is_explained(server, tab, record):
    tab.goto(f"{server.url}/explain?bundle=demo")
    drawn(tab, 2)
    tab.evaluate(
        """() => {
          window.beside = 0;
          const title = '[data-testid=stMarkdown] h4';
          new MutationObserver(() => {
            const told = [...document.querySelectorAll(title)].map(e => e.textContent);
            const old = document.querySelectorAll('.js-plotly-plot').length;
            if (told.some(t => t.startsWith('pvc')) && !document.querySelector('.st-key-case'))
              window.beside = Math.max(window.beside, old);
          }).observe(document.body, {childList: true, subtree: true});
        }"""
    )

    upload_files(tab, record)

    expect(tab.get_by_role("heading", name="Ventricular premature complex")).to_be_visible()
    assert tab.evaluate("window.beside") <= 1


def test_a_reload_loses_neither_the_upload_nor_the_choices(server, tab, record):
    upload_record(tab, server.url, record)
    expect(tab.get_by_text("What it adds up to")).to_be_visible()
    tab.wait_for_load_state("networkidle")
    choose_finding(tab, "Sinus rhythm")
    expect(tab.get_by_role("heading", name="Sinus rhythm")).to_be_visible()
    tab.get_by_role("button", name="Tracing").click()
    tab.get_by_role("radio", name="12 in full").click()
    expect(tab).to_have_url(re.compile("leads="))
    tab.get_by_role("radio", name="50", exact=True).first.click()
    expect(tab).to_have_url(re.compile("speed=50"))
    chosen = tab.url

    tab.reload()

    expect(tab.get_by_role("heading", name="Sinus rhythm")).to_be_visible()
    tab.get_by_role("button", name="Tracing").click()
    expect(tab.get_by_role("radio", name="12 in full")).to_be_checked()
    expect(tab.locator(".js-plotly-plot text", has_text="50 mm/s").first).to_be_visible()
    assert tab.url == chosen


def test_coming_back_from_another_page_the_ecg_is_still_there(server, tab, record):
    upload_record(tab, server.url, record)

    tab.get_by_role("link", name="Library").click()
    expect(tab.get_by_text("Prototypes", exact=True)).to_be_visible()
    tab.get_by_role("link", name="Explain").click()

    expect(tab.get_by_role("radiogroup", name="Rhythm")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("scan.pdf", b"%PDF-1.7 ...", "A printed ECG has no samples in it"),
        ("lonely.dat", b"\0" * 4000, "is a signal file without its header"),
        ("short.csv", b"I,II\n0,0\n1,1\n", "expected a column for each"),
    ],
)
def test_a_bad_file_gets_its_sentence(server, tab, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)

    upload(tab, server.url, tmp_path / name)

    expect(tab.get_by_text(sentence)).to_be_visible()


def test_a_rating_survives_reload_and_kill_and_stands_in_the_export(own_server, tab):
    tab.goto(f"{own_server.url}/rate?bundle=demo")
    tab.get_by_role("textbox", name="Your reviewer code").fill("R01")
    tab.get_by_role("button", name="Start").click()
    tab.get_by_role("button", name="Clarity: open").click()
    tab.get_by_role("button", name="Good: slight noise").click()
    expect(tab.get_by_text("Saved.")).to_be_visible()
    tab.get_by_label("Comment").fill("P waves are clear")
    tab.get_by_label("Comment").press("Control+Enter")
    expect(tab.get_by_role("button", name="Take back")).to_be_visible()

    tab.reload()
    expect(tab.get_by_label("Comment")).to_have_value("P waves are clear")
    expect(tab.get_by_role("button", name="Clarity: 4")).to_be_visible()
    rated = tab.url

    own_server.kill()
    own_server.start()
    tab.goto(rated)
    expect(tab.get_by_label("Comment")).to_have_value("P waves are clear")

    tab.goto(f"{own_server.url}/results?bundle=demo")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="All ratings as CSV").click()
    assert exported(download.value.path()) == {"clarity": "4", "comment": "P waves are clear"}


def exported(archive: Path) -> dict[str, str]:
    with zipfile.ZipFile(archive) as files:
        assert "codebook.csv" in files.namelist()
        rows = csv.DictReader(io.StringIO(files.read("ratings_long.csv").decode("utf-8")))
        return {row["question"]: row["value"] for row in rows if row["reviewer"] == "R01"}


def test_answers_given_while_a_comment_is_typed_are_all_kept(server, tab):
    tab.goto(f"{server.url}/rate?bundle=demo&reviewer=R02")
    tab.get_by_label("Comment").fill("typed, then straight on")
    tab.get_by_role("button", name="Skip").click()
    expect(tab.get_by_text(re.compile(r"^Prototype 2 of "))).to_be_visible()

    tab.get_by_role("button", name="Previous").click()

    expect(tab.get_by_text(re.compile(r"^Prototype 1 of "))).to_be_visible()
    # Until the rerun ends, the next prototype's box may stand beside this one's or in its place.
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(tab.get_by_label("Comment")).to_have_count(1)
    expect(tab.get_by_label("Comment")).to_have_value("typed, then straight on")


class Line:
    """What the server says to the browser, held back from the end of a page's run on if asked."""

    def __init__(self, tab: Page) -> None:
        self.holds = False
        self._held: list[bytes] = []
        tab.route_web_socket("**/_stcore/stream", self._connect)

    def _connect(self, browser: WebSocketRoute) -> None:
        self._browser = browser
        browser.connect_to_server().on_message(self._pass)

    def _pass(self, message: bytes) -> None:
        if self._held or (self.holds and _ends_a_run(message)):
            self._held.append(message)
        else:
            self._browser.send(message)

    def wait(self, tab: Page, *, runs: int) -> None:
        """Wait until the ends of so many runs are held."""
        while sum(map(_ends_a_run, self._held)) < runs:
            tab.wait_for_timeout(100)

    def let_go(self) -> None:
        """Hand on what is held."""
        self.holds = False
        for message in self._held:
            self._browser.send(message)
        self._held = []


def _ends_a_run(message: bytes) -> bool:
    # Neither the runs of a part of a page, as a comment or the clock starts them, nor those
    # broken off.
    content = ForwardMsg.FromString(message)
    return bool(
        content.HasField("script_finished")
        and content.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )


def test_a_step_back_asked_before_the_step_on_is_drawn_shows_the_answer(server, tab):
    # The browser forgets the comment, which it has just sent again, when the step on is drawn.
    line = Line(tab)
    tab.goto(f"{server.url}/rate?bundle=demo&reviewer=R03")
    tab.get_by_label("Comment").fill("seen twice")
    tab.get_by_label("Comment").press("Control+Enter")
    expect(tab.get_by_text("Some questions are still open")).to_be_visible()
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
    line.holds = True
    tab.get_by_role("button", name="Skip").click()
    line.wait(tab, runs=1)
    expect(tab.get_by_text(re.compile(r"^Prototype 2 of "))).to_be_visible()
    expect(tab.get_by_role("button", name="Previous")).to_be_enabled()

    tab.get_by_role("button", name="Previous").click()
    line.wait(tab, runs=2)
    line.let_go()

    expect(tab.get_by_text(re.compile(r"^Prototype 1 of "))).to_be_visible()
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(tab.get_by_label("Comment")).to_have_count(1)
    expect(tab.get_by_label("Comment")).to_have_value("seen twice")
