"""Reviewers of a study at their browsers, who read the screen and answer by keys."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import suppress

from playwright.sync_api import Page, TimeoutError, expect

from review_db.questions.catalogue import KINDS, STUDY_QUESTIONS

KEYS = {text.text: key for key, text in STUDY_QUESTIONS.items()}
_ITEM = re.compile(r"Item (\d+) of (\d+): ([^·]+)")
_SENTENCE = re.compile(r"[?]$")
KIND = {kind.words: name for name, kind in KINDS.items()}
_STATEMENT = re.compile(r"\((\w+)\)")


class Reviewer:
    """Answers all items; `given` is what was saved, by position, stage and question."""

    def __init__(self, tab: Page, url: str, code: str, key: str) -> None:
        self.tab, self.url, self.code, self.key = tab, url, code, key
        self.given: dict[tuple[int, int, str], str] = {}
        self._begun: dict[str, str] = {}

    def open(self) -> None:
        self.tab.goto(f"{self.url}/take_part?key={self.key}")

    def sit(self, items: int = 10**6) -> Iterator[None]:
        """Answer so many items, or all; pauses after each key, so that others can press theirs."""
        for _ in range(items):
            about = self._about()
            if about is None:
                return
            position, kind, stage = about
            chance = random.Random(f"{self.code} {position} {stage}")
            answers, self._begun = self._begun, {}
            chooses = kind == "differential" and "first_choice" not in answers
            for key, value in self._answers(kind, chance, chooses):
                answers |= {key: value} if key else {}
                yield
            if chance.random() < 0.1:
                answers["comment"] = f"A remark on {position}, = 1+1"
                self._type("Comment", answers["comment"])
                yield
            self.given |= {(position, stage, key): value for key, value in answers.items()}
            self.press("n")
            yield
            self._wait_for_another(about)

    def begin(self) -> None:
        """Answer the first question of an item by key, and leave it at that."""
        _, kind, _ = self._about()
        if kind == "differential":
            self._begun["first_choice"] = self._choose_statement(random.Random(0))
        first = self._asked(KINDS[kind].required)
        self._begun[first] = self._choose(first, random.Random(0))
        while not self._stands(first, self._begun[first]):
            self._press(first, self._begun[first])

    def press(self, key: str) -> None:
        self.tab.keyboard.press(key)

    def finished(self) -> bool:
        return self._about() is None

    def _about(self) -> tuple[int, str, int] | None:
        item = self.tab.get_by_text(_ITEM)
        end = self.tab.get_by_text("Everything is rated and saved")
        expect(item.or_(end)).to_be_visible()
        expect(self.tab.locator("[data-test-script-state=notRunning]")).to_be_visible()
        if end.is_visible():
            return None
        text = item.inner_text()
        position, _, kind = _ITEM.search(text).groups()
        return int(position), KIND[kind.strip()], 2 if "Second look" in text else 1

    def _wait_for_another(self, before: tuple[int, str, int]) -> None:
        for _ in range(200):
            if self._about() != before:
                return
            self.tab.wait_for_timeout(50)
        text = self.tab.locator(".st-key-answers").inner_text()
        raise AssertionError(f"{self.code}: the page stays at item {before}: {text}")

    def _answers(
        self, kind: str, chance: random.Random, chooses: bool
    ) -> Iterator[tuple[str, str]]:
        if chooses:
            yield "first_choice", self._choose_statement(chance)
        chosen: dict[str, str] = {}
        while key := self._asked(KINDS[kind].required):
            # A key pressed while the page changes is ignored; people press it again.
            if key in chosen:
                self._press(key, chosen[key])
            else:
                chosen[key] = self._choose(key, chance)
            yield "", ""
            self._stands(key, chosen[key])
        for key, value in chosen.items():
            assert self._stands(key, value), f"{self.code}: {key} is not {value}"
            yield key, value
        if kind == "statement":
            # They see letters, and can't know the name that is kept.
            self._choose_first()
            yield "", ""

    def _asked(self, required: tuple[str, ...]) -> str | None:
        """Return the question that the keys answer now; None when all are answered."""
        in_turn = [key for key in required if STUDY_QUESTIONS[key].options]
        if not in_turn:
            return None
        question = self.tab.locator(".st-key-answers strong").filter(has_text=_SENTENCE).first
        last = in_turn[-1].replace("_", " ").capitalize()
        done = self.tab.get_by_role("button", name=re.compile(rf"^\w* ?{last}: (?!open)"))
        expect(question.or_(done).first).to_be_visible()
        while not done.is_visible():
            # The last question may go, answered, while it is read.
            with suppress(TimeoutError):
                return KEYS[question.inner_text(timeout=1_000)]
        return None

    def _choose(self, key: str, chance: random.Random) -> str:
        value = chance.choice(STUDY_QUESTIONS[key].options)
        self._press(key, value)
        return value

    def _press(self, key: str, value: str) -> None:
        number = STUDY_QUESTIONS[key].options.index(value) + 1
        self.press("0" if value == "cannot_judge" else str(number))

    def _stands(self, key: str, value: str) -> bool:
        words = f"{key.capitalize()}: {value}".replace("_", " ")
        try:
            expect(self.tab.get_by_role("button", name=words)).to_be_visible(timeout=2_000)
        except AssertionError:
            return False
        return True

    def _code(self, chance: random.Random) -> str:
        """Return what they take an ECG for: what the model finds, where that is shown."""
        called = self.tab.get_by_text(re.compile(r"^The model finds: ")).all_inner_texts()
        codes = _STATEMENT.findall(called[0]) if called else []
        return codes[0] if codes else chance.choice(["SR", "PVC"])

    def _choose_statement(self, chance: random.Random) -> str:
        code = self._code(chance)
        field = self.tab.get_by_role("combobox", name=STUDY_QUESTIONS["first_choice"].text)
        field.fill(f"({code})")
        field.press("Enter")
        self._look_away()
        # How sure they are is asked once the choice is stored.
        expect(self.tab.get_by_text(STUDY_QUESTIONS["first_confidence"].text)).to_be_visible()
        return code

    def _choose_first(self) -> None:
        self.tab.get_by_role("combobox", name=STUDY_QUESTIONS["best_prototype"].text).click()
        option = self.tab.get_by_role("option").first
        option.click()
        expect(option).to_have_count(0)
        self._look_away()

    def _type(self, label: str, text: str) -> None:
        self.tab.get_by_label(label).fill(text)
        self.tab.get_by_label(label).press("Control+Enter")
        self._look_away()

    def _look_away(self) -> None:
        # Keys are for the field that has the focus.
        self.tab.evaluate("document.activeElement.blur()")
