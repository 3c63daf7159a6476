"""A study as its coordinator plans it: an item is seen as reviewers will meet it."""

import pytest
from playwright.sync_api import expect


def still(tab) -> None:
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_the_preview_shows_an_item_its_questions_and_how_long_it_takes(server, tab, size):
    tab.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    tab.goto(f"{server.url}/studies?bundle=demo&view=New+study")
    tab.get_by_role("textbox", name="Name", exact=True).fill("planned")
    tab.get_by_role("textbox", name="Reviewers' codes").fill("R01 R02 R03")
    tab.get_by_role("spinbutton", name="Reviewers of each item").fill("2")
    tab.get_by_text("Ask for best and bad prototypes").click()
    tab.get_by_role("button", name="Preview").click()

    expect(tab.get_by_text("As a reviewer meets it")).to_be_visible()
    expect(tab.get_by_text("positions a reviewer, about")).to_be_visible()
    expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(tab.get_by_text("Does this prototype portray").first).to_be_visible()
    still(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0]

    # A design that cannot be is told, and nothing is previewed.
    tab.get_by_role("spinbutton", name="Reviewers of each item").fill("9")
    tab.get_by_role("button", name="Preview").click()
    expect(tab.get_by_text("Each item is to be met by 9 reviewers")).to_be_visible()
    expect(tab.get_by_text("As a reviewer meets it")).to_have_count(0)
