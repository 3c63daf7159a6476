"""A whole study in the browser: made, started, rated, interrupted, analysed, exported.

On SQLite and on PostgreSQL, with items of every kind, repeats and controls. `-m slow` runs it on
PostgreSQL, too, and with four reviewers and some sixty items.
"""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from reviewing import Reviewer

from protoecg.bundle import load_bundle
from training.cases import Numbers, carried, cases

ROOT = Path(__file__).resolve().parents[2]


class Size(NamedTuple):
    """Of a study: its reviewers, prototypes sampled (of some statements), cases of each kind."""

    reviewers: int
    sample: int
    each: int
    statements: tuple[str, ...] = ()

    @property
    def codes(self) -> list[str]:
        return [f"R{n:02d}" for n in range(1, self.reviewers + 1)]

    def design(self) -> str:
        """Return its settings as TOML."""
        controls = dict.fromkeys(
            ("wrong_statement", "random_window", "noise"), max(self.each // 3, 1)
        )
        lines = "\n".join(f"{control} = {number}" for control, number in controls.items())
        return f"""
name = "whole"
title = "A whole study"
reviewers = {json.dumps(self.codes)}
seed = 1
repeats = 0.12
practice = 2

[sample]
statements = {json.dumps(self.statements)}
size = {self.sample}

[controls]
{lines}

[readings]
washout_days = 0
"""


# Of few statements, or none would have several prototypes to choose the best of.
SMALL, WHOLE = Size(2, 8, 2, ("AFIB", "CLBBB", "PAC", "PVC", "SR")), Size(4, 26, 6)
SIZES = [pytest.param(SMALL, id="small"), pytest.param(WHOLE, id="whole", marks=pytest.mark.slow)]
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
KEY = re.compile(r"^\w{4}(-\w{4}){3}$")
RATED = ["study", "reviewer", "position"]


@pytest.fixture(params=DATABASES)
def database(request, tmp_path: Path, size: Size) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'whole.db'}"
    return request.getfixturevalue("postgresql_server").create(f"study_of_{size.reviewers}")


@pytest.fixture(params=SIZES)
def size(request) -> Size:
    return request.param


@pytest.fixture
def plan(tmp_path: Path, size: Size) -> tuple[Path, Path]:
    """The study's settings, and cases drawn from the ECGs that the demo bundle carries."""
    demo = load_bundle(ROOT / "models" / "demo")
    drawn = cases(
        demo,
        carried(demo),
        Numbers(size.each, size.each, size.each),
        other=demo,
        seed=1,
        progress=lambda of, **_: of,
    )
    settings, file = tmp_path / "whole.toml", tmp_path / "cases.json"
    settings.write_text(size.design(), encoding="utf-8")
    file.write_text(json.dumps(drawn), encoding="utf-8")
    return settings, file


def test_a_study(browser, tab: Page, make_server, tmp_path, database, size, plan):
    server = make_server(tmp_path, PROTOECG_DATABASE_URL=database)
    make(tab, server.url, *plan)
    keys = start(tab, server.url, size.reviewers)
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in size.codes]
    reviewers = [
        Reviewer(context.new_page(), server.url, code, key)
        for context, code, key in zip(contexts, size.codes, keys, strict=True)
    ]

    rate(reviewers, items=5)
    reviewers[0].begin()
    server.kill()
    server.start()
    rate(reviewers)

    assert all(reviewer.finished() for reviewer in reviewers)
    end(tab, server.url)
    files = exported(tab, server.url)
    wide = pd.read_csv(io.BytesIO(files["answers_wide.csv"]), dtype={"position": int})
    assert len(pd.read_csv(io.BytesIO(files["assignments.csv"]))) >= size.reviewers * (
        size.sample + 5 * size.each
    )
    assert set(wide["kind"]) == {"prototype", "match", "pair", "differential", "statement"}
    for reviewer in reviewers:
        assert saved(files, reviewer.code) == reviewer.given
    same_scores(tab, server.url, wide)
    same_controls(tab, server.url, wide)
    same_preference(tab, server.url, wide)
    each_arm_once(wide, size)
    for context in contexts:
        context.close()


def make(tab: Page, url: str, settings: Path, cases: Path) -> None:
    tab.goto(f"{url}/studies?bundle=demo&view=New+study")
    tab.get_by_text("From a TOML file").click()
    for name, file in (("Settings (TOML)", settings), ("Cases (JSON), if any", cases)):
        place = tab.get_by_role("region", name=name).first
        place.locator("input[type=file]").first.set_input_files(file)
        expect(tab.get_by_text(file.name).first).to_be_visible()
        still(tab)
    tab.get_by_role("button", name="Make the study of this file").click()
    expect(tab.get_by_text("whole is made, with")).to_be_visible()


def start(tab: Page, url: str, reviewers: int) -> list[str]:
    tab.goto(f"{url}/studies?bundle=demo&study=whole")
    tab.get_by_role("button", name="Start the study").click()
    keys = tab.locator("canvas td").filter(has_text=KEY)
    expect(keys).to_have_count(reviewers)
    return keys.all_inner_texts()


def rate(reviewers: list[Reviewer], items: int = 10**6) -> None:
    """Let all reviewers rate at the same time, one key each in turn."""
    for reviewer in reviewers:
        reviewer.open()
    at_work = [reviewer.sit(items) for reviewer in reviewers]
    while at_work:
        at_work = [one for one in at_work if next(one, "done") != "done"]


def still(tab: Page) -> None:
    expect(tab.locator("[data-test-script-state=notRunning]")).to_be_visible()


def exported(tab: Page, url: str) -> dict[str, bytes]:
    tab.goto(f"{url}/studies?bundle=demo&study=whole")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Everything as CSV").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def end(tab: Page, url: str) -> None:
    """Close the study, which opens its results."""
    tab.goto(f"{url}/studies?bundle=demo&study=whole")
    tab.get_by_text("End of the study").click()
    tab.get_by_role("button", name="Close the study").click()
    expect(tab.get_by_text("closed 20").first).to_be_visible()


def saved(files: dict[str, bytes], reviewer: str) -> dict[tuple[int, int, str], str]:
    """Return the answers in the export, as a reviewer remembers theirs."""
    long = pd.read_csv(io.BytesIO(files["answers_long.csv"]), dtype=str, keep_default_na=False)
    mine = long[(long["reviewer"] == reviewer) & (long["question"] != "best_prototype")]
    places = zip(mine["position"].astype(int), mine["stage"].astype(int), strict=True)
    answers = zip(places, mine["question"], mine["value"], strict=True)
    return {(*place, question): value for place, question, value in answers}


def found(tab: Page, url: str, view: str, table: int = 0) -> pd.DataFrame:
    """Return a table of the Results page as it stands in the browser."""
    tab.goto(f"{url}/results?bundle=demo&of=A+study&study=whole&found={view.replace(' ', '+')}")
    shown = tab.locator("canvas table").nth(table)
    expect(shown.locator("td").first).to_be_attached()
    still(tab)
    head = shown.locator("th").all_inner_texts()
    rows = [row.locator("td").all_inner_texts() for row in shown.locator("tbody tr").all()]
    return pd.DataFrame(rows, columns=head)


def first_number(cells: pd.Series) -> np.ndarray:
    return cells.str.replace("−", "-").str.extract(r"(-?\d+\.?\d*)")[0].astype(float).to_numpy()


def counting(wide: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return what the export's README says that scores are of."""
    chosen = wide[(wide["kind"] == kind) & (wide["role"] == "rated") & wide["repeat_of"].isna()]
    return chosen.sort_values("stage").drop_duplicates(RATED, keep="last")


def points(answers: pd.Series) -> pd.Series:
    return pd.to_numeric(answers, errors="coerce")


def same_scores(tab: Page, url: str, wide: pd.DataFrame) -> None:
    for view, kind, questions in (
        ("Prototypes", "prototype", ("representativeness", "clarity")),
        ("Matches", "match", ("like", "supports", "place")),
    ):
        table = found(tab, url, view)
        mine = counting(wide, kind)
        for question in questions:
            means = points(mine[question]).groupby(mine["branch"]).mean().sort_index()
            theirs = table.sort_values("branch")[f"{question}: mean (95 %)"]
            np.testing.assert_allclose(first_number(theirs), means, atol=0.0051)


def same_controls(tab: Page, url: str, wide: pd.DataFrame) -> None:
    table = found(tab, url, "Controls and repeats")
    controls = wide[wide["role"].isin(["wrong_statement", "random_window", "noise"])]
    clear = controls[controls["repeat_of"].isna()]
    clarity = points(clear["clarity"]).groupby(clear["role"]).mean()
    theirs = table[table["question"] == "clarity"].set_index("control")["control: mean"]
    names = {"wrong_statement": "under a wrong statement", "random_window": "random window"}
    for role, mean in clarity.items():
        assert float(theirs[names.get(role, "noise added")]) == pytest.approx(mean, abs=0.0051)


def same_preference(tab: Page, url: str, wide: pd.DataFrame) -> None:
    pairs = counting(wide, "pair")
    toward_b = (points(pairs["better"]) - 3).where(~pairs["swapped"].astype(bool), lambda x: -x)
    table = found(tab, url, "Two explanations").set_index("reviewer")
    shown = first_number(table["preference (95 %)"])
    each = [toward_b.mean(), *toward_b.groupby(pairs["reviewer"]).mean()]
    np.testing.assert_allclose(shown, each, atol=0.0051)


def each_arm_once(wide: pd.DataFrame, size: Size) -> None:
    """Each reviewer has read each ECG in each arm, each time in another session."""
    read = wide[wide["kind"] == "differential"]
    assert len(read) == size.reviewers * size.each * 3
    for columns in (["reviewer", "item", "arm"], ["reviewer", "item", "session"]):
        assert not read.duplicated(columns).any()
