"""What a browser draws when another finding is chosen: each figure that changed, once."""

import pytest
from playwright.sync_api import Page, expect

# Counts the figures that come onto the page, by the frame that they stand in.
COUNT = """
() => {
  const known = new WeakSet(document.querySelectorAll('.js-plotly-plot'));
  window.came = {};
  new MutationObserver(() => document.querySelectorAll('.js-plotly-plot').forEach(figure => {
    if (known.has(figure)) return;
    known.add(figure);
    const name = figure.closest('[class*="st-key-frame-"]').className.match(/frame-([\\w-]+)/)[1];
    window.came[name] = (window.came[name] ?? 0) + 1;
  })).observe(document.body, {childList: true, subtree: true});
}
"""
# Pixels of a second and of a mV, of the tracing's own axes.
SCALES = """
figure => {
  const {xaxis, yaxis} = figure._fullLayout;
  return [xaxis.l2p(1) - xaxis.l2p(0), yaxis.l2p(0) - yaxis.l2p(1)];
}
"""
TRACING = '[class*="st-key-frame-query"] .js-plotly-plot'


def opened(tab: Page, url: str) -> None:
    tab.goto(f"{url}/explain?bundle=demo&example=Premature+ventricular+complexes&finding=PVC")
    expect(tab.locator("h3", has_text="entricular")).to_be_visible()
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_attached()


def test_another_finding_draws_each_figure_once(server, tab):
    opened(tab, server.url)
    heights = tab.locator(TRACING).bounding_box()["height"]
    tab.evaluate(COUNT)
    rhythms = tab.get_by_role("radiogroup", name="Rhythm")
    rhythms.get_by_text("Sinus rhythm", exact=True).click()
    expect(tab.locator("h3", has_text="Sinus rhythm")).to_be_visible()
    expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    tab.wait_for_timeout(500)
    # Otherwise nothing would be shown: the same paper would not be begun anew anyway.
    assert tab.locator(TRACING).bounding_box()["height"] != heights
    assert tab.evaluate("window.came") == {"query": 1, "comparison": 1}


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_squares_are_square_and_the_paper_is_full_at_any_width(server, tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    opened(tab, server.url)
    paper = tab.locator('[class*="st-key-paper-"][class*="-query"]')
    tab.wait_for_timeout(500)
    second, millivolt = tab.locator(TRACING).evaluate(SCALES)
    assert millivolt * 2.5 == pytest.approx(second, rel=0.01)
    # A phone scrolls it sideways.
    assert paper.bounding_box()["width"] >= min(width - 100, 760)
    drawn = tab.locator(f"{TRACING} .plotbg, {TRACING} .bg").first.bounding_box()
    assert drawn["height"] == pytest.approx(paper.bounding_box()["height"], abs=14)
    assert drawn["width"] == pytest.approx(paper.bounding_box()["width"], abs=4.5)


def test_figures_take_the_theme_that_the_browser_turns_to(server, tab):
    paper = f"{TRACING} .bg"
    opened(tab, server.url)
    light = tab.locator(paper).first.evaluate("e => getComputedStyle(e).fill")
    for theme, comparison in (("dark", "!=="), ("light", "===")):
        tab.emulate_media(color_scheme=theme)
        tab.wait_for_function(
            f"([of, light]) => {{ const paper = document.querySelector(of); "
            f"return paper && getComputedStyle(paper).fill {comparison} light; }}",
            arg=[paper, light],
        )
