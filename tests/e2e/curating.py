"""A coordinator at the browser, who replaces prototypes, makes the bundle and has it rated."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect
from reviewing import Reviewer

from review_db.questions.catalogue import STUDY_QUESTIONS

_KEY = re.compile(r"^\w{4}(-\w{4}){3}$")


class Coordinator:
    """Curates one bundle; waits as long as a person would."""

    def __init__(self, tab: Page, url: str, bundle: str) -> None:
        self.tab, self.url, self.bundle = tab, url, bundle

    def open(self) -> None:
        self.tab.goto(f"{self.url}/curate?bundle={self.bundle}")
        self.looked()

    def looked(self) -> None:
        """Wait for the candidates of the prototype that is shown."""
        expect(self.tab.get_by_text("the best first").first).to_be_visible(timeout=240_000)
        self.still()

    def still(self) -> None:
        idle = self.tab.locator("[data-test-script-state=notRunning]")
        expect(idle).to_be_visible(timeout=120_000)

    def look_at(self, name: str) -> None:
        box = self.tab.get_by_role("combobox", name="Prototype").last
        box.click()
        box.fill(name)
        box.press("Enter")
        self.tab.wait_for_timeout(500)
        self.looked()

    def take_the_best(self) -> None:
        self.tab.get_by_role("button", name="Take this one").first.click()
        self.tab.wait_for_timeout(300)
        self.still()

    def make(self) -> None:
        self.tab.get_by_role("button", name="Make the bundle").click()

    def made(self, within_s: float) -> None:
        """Wait for the new bundle."""
        made = self.tab.get_by_text("The bundle is made.")
        expect(made).to_be_visible(timeout=1000 * within_s)
        self.still()

    def draft(self, file: Path, reviewers: list[str]) -> None:
        """Take the design of the study of the newcomers, and name other reviewers in it."""
        with self.tab.expect_download() as download:
            self.tab.get_by_role("button", name="Design of a study of the newcomers").click()
        download.value.save_as(file)
        names = ", ".join(f'"{name}"' for name in reviewers)
        own = re.compile(r"^reviewers = \[.*?\]", re.DOTALL | re.MULTILINE)
        file.write_text(own.sub(f"reviewers = [{names}]", file.read_text(), count=1))

    def study(self, bundle: str, design: Path, reviewers: int) -> list[str]:
        """Make and start the study of a design; the keys of its reviewers come back."""
        self.tab.goto(f"{self.url}/studies?bundle={bundle}&view=New+study")
        self.tab.get_by_text("From a TOML file").click()
        place = self.tab.get_by_role("region", name="Settings (TOML)").first
        place.locator("input[type=file]").first.set_input_files(design)
        expect(self.tab.get_by_text(design.name).first).to_be_visible()
        self.still()
        self.tab.get_by_role("button", name="Make the study of this file").click()
        expect(self.tab.get_by_text(re.compile("is made, with"))).to_be_visible()
        name = re.search(r'^name = "(.*)"', design.read_text(), re.MULTILINE)[1]
        self.tab.goto(f"{self.url}/studies?bundle={bundle}&study={name}")
        self.tab.get_by_role("button", name="Start the study").click()
        keys = self.tab.locator("canvas td").filter(has_text=_KEY)
        expect(keys).to_have_count(reviewers)
        return keys.all_inner_texts()

    def end(self, bundle: str, design: Path) -> None:
        """Close the study of a design, which opens what was answered."""
        name = re.search(r'^name = "(.*)"', design.read_text(), re.MULTILINE)[1]
        self.tab.goto(f"{self.url}/studies?bundle={bundle}&study={name}")
        self.tab.get_by_text("End of the study").click()
        self.tab.get_by_role("button", name="Close the study").click()
        expect(self.tab.get_by_text("closed 20").first).to_be_visible()


class Judge(Reviewer):
    """A reviewer who finds what is shown good, to the points that their strictness takes off."""

    def __init__(self, tab: Page, url: str, code: str, key: str, strictness: int) -> None:
        super().__init__(tab, url, code, key)
        self._strictness = strictness

    def _choose(self, key: str, chance: random.Random) -> str:
        options = STUDY_QUESTIONS[key].options
        if "5" not in options:
            value = "yes"
        else:
            value = str(min(5, 5 - self._strictness - chance.choice([0, 0, 1])))
        self._press(key, value)
        return value


def rate(judges: list[Judge]) -> Iterator[str]:
    """Have reviewers answer everything, one after another."""
    for judge in judges:
        judge.open()
        for _ in judge.sit():
            pass
        yield judge.code
