import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from plotly.offline import get_plotlyjs

from protoecg.figures.paper import Window, ecg_figure
from protoecg.sheet.view import View
from protoecg.simulate import example

SHELL = Path(__file__).resolve().parents[2] / "pages" / "shell"

# In a browser: the place on the screen of seconds and mV of the paper, by Plotly's own axes.
PLACE = """
([x, y]) => {
  const paper = document.querySelector('[class*="st-key-frame-query"] .js-plotly-plot');
  const {xaxis, yaxis} = paper._fullLayout, edge = paper.getBoundingClientRect();
  return [edge.x + xaxis._offset + xaxis.d2p(x), edge.y + yaxis._offset + yaxis.d2p(y)];
}
"""
# The height of a lead's zero line, from a sample's height and its true value.
ZERO_LINE = """
lead => {
  const paper = document.querySelector('[class*="st-key-frame-query"] .js-plotly-plot');
  const trace = paper._fullData.find(trace => trace.name === lead);
  return trace.y[0] - trace.customdata[0];
}
"""
SQUARE = """
() => {
  const {xaxis, yaxis} = document.querySelector('.js-plotly-plot')._fullLayout;
  return [0.04 * xaxis._m, -0.1 * yaxis._m];
}
"""
OPACITY = """
() => [...document.querySelector('.js-plotly-plot').querySelectorAll('.scatterlayer .trace')]
  .filter(trace => trace.querySelector('.js-fill')).map(trace => trace.style.opacity)
"""


def opened(tab: Page, url: str) -> None:
    example = "example=Premature+ventricular+complexes&finding=SR&bundle=demo"
    tab.goto(f"{url}/explain?{example}&measuring=true")
    expect(tab.get_by_text("What it adds up to")).to_be_visible()
    expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    expect(tab.locator(".js-plotly-plot")).to_have_count(2)
    tab.locator(".js-plotly-plot").first.scroll_into_view_if_needed()


def drag(tab: Page, *corners: tuple[float, float]) -> None:
    (x, y), (to_x, to_y) = (tab.evaluate(PLACE, list(corner)) for corner in corners)
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move((x + to_x) / 2, (y + to_y) / 2, steps=4)
    tab.mouse.move(to_x, to_y, steps=4)
    tab.mouse.up()


def readings(tab: Page) -> list[tuple[float, float, float]]:
    """Milliseconds, beats a minute and mV of each caliper."""
    form = re.compile(r"(\d+) ms · (\d+) bpm · ([\d.]+) mV")
    texts = tab.locator(".caliper-readings li").all_text_contents()
    return [tuple(map(float, form.match(one).groups())) for one in texts]


def test_a_caliper_is_drawn_moved_and_marched_out_in_the_browser_alone_and_stays(server, tab):
    sent: list[object] = []
    tab.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    opened(tab, server.url)
    expect(tab.locator("svg.calipers .paper")).to_be_attached()
    zero = tab.evaluate(ZERO_LINE, "V2")
    tab.wait_for_timeout(500)
    sent.clear()

    drag(tab, (5.6, zero - 0.2), (6.4, zero + 0.3))

    ((milliseconds, rate, millivolts),) = readings(tab)
    # Within the pixel at each end.
    assert abs(milliseconds - 800) <= 20 and abs(millivolts - 0.5) <= 0.05
    assert rate == round(60_000 / milliseconds)
    expect(tab.locator(".caliper-readings")).to_contain_text("V2, 5.")
    expect(tab.locator("svg.calipers text")).to_have_text(
        f"1: {milliseconds:.0f} ms · {rate:.0f} bpm · {millivolts:.2f} mV"
    )

    drag(tab, (6.4, zero + 0.05), (6.6, zero + 0.05))
    ((wider, _, still_mv),) = readings(tab)
    assert abs(wider - milliseconds - 200) <= 20 and still_mv == millivolts

    edge = tab.get_by_role("slider", name="Caliper 1 in V2, end").first
    edge.press("ArrowRight")
    edge.press("Shift+ArrowLeft")
    assert readings(tab)[0][0] == wider - 30
    expect(edge).to_be_focused()
    edge.press("m")
    expect(tab.get_by_role("button", name="March out")).to_have_attribute("aria-pressed", "true")
    lines = [
        float(x)
        for x in tab.eval_on_selector_all(
            "svg.calipers .march", "lines => lines.map(line => line.getAttribute('x1'))"
        )
    ]
    apart = [after - before for before, after in zip(lines, lines[1:], strict=False)]
    assert len(lines) >= 10 and max(apart) - min(apart) < 0.02  # printed in hundredths
    assert not sent

    before = readings(tab)
    tab.get_by_role("button", name="Tracing").click()
    tab.get_by_role("radio", name="12 in full").click()
    expect(tab).to_have_url(re.compile("leads="))
    tab.get_by_role("radio", name="50", exact=True).first.click()
    expect(tab.locator(".js-plotly-plot text", has_text="50 mm/s").first).to_be_visible()
    expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_attached()
    tab.keyboard.press("Escape")
    expect(tab.locator("svg.calipers text")).to_have_count(1)
    assert readings(tab) == before
    tab.get_by_role("button", name="Clear calipers").click()
    expect(tab.locator("svg.calipers text")).to_have_count(0)


def test_squares_stay_square_in_full_screen(server, tab):
    opened(tab, server.url)
    across, up = tab.evaluate(SQUARE)
    assert abs(across - up) < 0.01

    tab.locator(".js-plotly-plot").first.hover()
    tab.locator(".modebar-btn[data-title=Fullscreen]").first.click()

    tab.wait_for_function(f"({SQUARE})()[0] > {across} * 1.01")
    across, up = tab.evaluate(SQUARE)
    assert abs(across - up) < 0.01


@pytest.fixture
def switched(tab) -> Page:
    """A page of one tracing with two matches, of which the first is shown."""
    windows = [Window(2.0, 2.95, "match 1"), Window(6.0, 6.95, "match 2", shown=False)]
    figure = ecg_figure(example("Atrial fibrillation"), view=View(), windows=windows)
    scripts = get_plotlyjs(), (SHELL / "keyboard.js").read_text()
    tab.set_content("<div id=paper></div>")
    for script in scripts:
        tab.add_script_tag(content=script)
    tab.evaluate("figure => Plotly.newPlot('paper', figure)", json.loads(figure.to_json()))
    return tab


def pressed(tab: Page, number: int) -> Locator:
    return tab.get_by_role("button", name=f"match {number}", exact=True)


def test_a_match_is_switched_by_the_mouse(switched):
    assert switched.evaluate(OPACITY) == ["1", "0"]
    pressed(switched, 2).click()
    switched.wait_for_function(f"({OPACITY})().join() === '1,1'")
    pressed(switched, 1).click()
    switched.wait_for_function(f"({OPACITY})().join() === '0,1'")


def test_matches_are_switched_by_keyboard_and_say_which_are_on(switched):
    first, second = pressed(switched, 1), pressed(switched, 2)
    expect(first).to_have_attribute("aria-pressed", "true")
    expect(second).to_have_attribute("aria-pressed", "false")

    first.focus()
    switched.keyboard.press("Tab")
    expect(second).to_be_focused()
    switched.keyboard.press("Space")
    expect(second).to_have_attribute("aria-pressed", "true")
    switched.wait_for_function(f"({OPACITY})().join() === '1,1'")

    expect(second).to_be_focused()
    switched.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "false")
    switched.wait_for_function(f"({OPACITY})().join() === '1,0'")
