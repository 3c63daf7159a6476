"""What axe finds of each page: light on a screen, and dark on a phone."""

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from screenshots import rate_a_study, rate_some

VIEWS = (("light", 1440, 900), ("dark", 390, 844))
ALL_OPEN = "marks=true&calipers=true&measured=true&sum=true"
PAGES = {
    "start": "start",
    "an explanation": f"explain?example=Premature+ventricular+complexes&{ALL_OPEN}",
    "a comparison": "explain?example=Atrial+fibrillation&earlier_example=Left+bundle+branch+block",
    "a batch": "batch",
    "library": "library",
    "rate": "rate",
    "a prototype to rate": "rate?reviewer=R01",
    "studies": "studies",
    "a study to plan": "studies?view=New+study",
    "results": "results",
    "results of a study": "results?of=A+study",
    "curate": "curate",
    "model card": "model_card",
}
GRAVE = ("serious", "critical")
# Faults of Streamlit's own parts: the rule, what the element holds, and why nothing here mends it.
OF_STREAMLIT = {
    # Each table that is drawn on a canvas numbers its cells from 0-0 on, for those who listen;
    # the numbers are looked up within the table.
    "duplicate-id-active": 'id="glide-cell-',
}


@pytest.fixture(scope="module")
def rated(make_server, tmp_path_factory, demo):
    """A server with ratings and a study; a reviewer's key to it."""
    running = make_server(tmp_path_factory.mktemp("rated"))
    rate_some(demo, running.database)
    return running.url, rate_a_study(demo, running.database)


@pytest.fixture(scope="module")
def page(browser):
    """One page for all: each is opened once, and turned dark and small where it stands."""
    context = browser.new_context()
    tab = context.new_page()
    tab.set_default_timeout(30_000)
    yield tab
    context.close()


def still(tab: Page) -> None:
    expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    tab.wait_for_timeout(300)


def violations(tab: Page, url: str) -> list[str]:
    """Return what is grave: when, the rule, and the element."""
    faults = []
    tab.goto(url)
    expect(tab.get_by_test_id("stMainBlockContainer").locator("> *").first).to_be_attached()
    still(tab)
    for theme, width, height in VIEWS:
        tab.emulate_media(color_scheme=theme)
        tab.set_viewport_size({"width": width, "height": height})
        # What stands there is pale while it is made anew in the other theme.
        tab.wait_for_timeout(500)
        still(tab)
        faults += [f"{theme}, {width} px: {fault}" for fault in grave(tab)]
    return faults


def grave(tab: Page) -> list[str]:
    return [
        f"{found['id']}: {node['html'][:200]}"
        for found in Axe().run(tab)["violations"]
        if found["impact"] in GRAVE
        for node in found["nodes"]
        if OF_STREAMLIT.get(found["id"], "\0") not in node["html"]
    ]


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_has_no_grave_fault(page, rated, path):
    url, _ = rated
    assert violations(page, f"{url}/{path}{'&' if '?' in path else '?'}bundle=demo") == []


def test_a_table_that_is_wider_than_a_phone_is_reached_by_keys(page, rated):
    url, _ = rated
    page.goto(f"{url}/{PAGES['a comparison']}&bundle=demo")
    table = page.locator('[data-testid="stTable"] > :has(> table)').first
    page.set_viewport_size({"width": 390, "height": 844})
    expect(table).to_have_attribute("tabindex", "0")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(table).to_have_attribute("tabindex", "-1")


# Last of those that open pages: what hides from reviewers hides from this browser from now on.
def test_a_session_has_no_grave_fault(page, rated):
    url, key = rated
    assert violations(page, f"{url}/take_part?key={key}") == []


def test_a_fault_is_found(page):
    page.set_content("<html lang=en><title>t</title><main><img src=data:,></main></html>")
    (fault,) = grave(page)
    assert fault.startswith("image-alt: <img")
