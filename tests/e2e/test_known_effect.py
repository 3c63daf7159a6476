"""Six readers of known effect read ECGs in a browser: half are helped, one is harmed.

What Results and the export say of the study is what they were made to do.
"""

import io
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from known_readers import EFFECT, READERS
from playwright.sync_api import Page
from reviewing import Reviewer
from test_whole_study import end, exported, found, make, rate, start

from protoecg.bundle import load_bundle
from review_db.findings.answers import assignments_on
from review_db.store.database import open_database, reading
from training.cases import Numbers, carried, cases

CASES = 10
DESIGN = f"""
name = "whole"
reviewers = {json.dumps(list(READERS))}
seed = 11
practice = 0
repeats = 0.0

[sample]
cases_only = true

[readings]
arms = ["alone", "prototypes"]
washout_days = 0

[protocol]
primary = "correct"
"""


class Reader(Reviewer):
    """Chooses first what is given for each position."""

    choices: dict[int, str]

    def _code(self, chance: random.Random) -> str:
        position, *_ = self._about()
        return self.choices[position]


def choices(places: pd.DataFrame, reader: str) -> dict[int, str]:
    """Return a first choice for each position: right about so many cases of each arm."""
    chance, chosen = random.Random(reader), {}
    for arm, share in zip(("alone", "prototypes"), READERS[reader], strict=True):
        of_arm = places[(places["reviewer"] == reader) & (places["arm"] == arm)]
        order = chance.sample(list(of_arm.index), len(of_arm))
        for n, place in enumerate(order):
            one = of_arm.loc[place]
            wrong = next(code for code in ("CLBBB", "AFIB") if code not in one["truth"])
            true = one["truth"].split("; ")
            # A sinus rhythm is no right answer beside a finding.
            right = next((code for code in true if code not in ("SR", "NORM")), true[0])
            is_right = n < round(share * CASES)
            chosen[int(one["position"])] = right if is_right else wrong
    return chosen


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'effect.db'}"
    return request.getfixturevalue("postgresql_server").create("known_effect")


@pytest.fixture
def plan(tmp_path: Path, demo_folder: Path) -> tuple[Path, Path]:
    demo = load_bundle(demo_folder)
    drawn = cases(demo, carried(demo), Numbers(readings=CASES), seed=1, progress=lambda of, **_: of)
    settings, file = tmp_path / "whole.toml", tmp_path / "cases.json"
    settings.write_text(DESIGN, encoding="utf-8")
    file.write_text(json.dumps(drawn), encoding="utf-8")
    return settings, file


@pytest.mark.slow
def test_readers_of_known_effect_give_it_back(
    browser, tab: Page, make_server, tmp_path, database, plan
):
    server = make_server(tmp_path, PROTOECG_DATABASE_URL=database)
    make(tab, server.url, *plan)
    keys = start(tab, server.url, len(READERS))
    engine = open_database(database)
    with reading(engine) as connection:
        places = assignments_on(connection, "whole")
    engine.dispose()

    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}) for _ in READERS]
    readers = []
    for context, code, key in zip(contexts, READERS, keys, strict=True):
        readers.append(Reader(context.new_page(), server.url, code, key))
        readers[-1].choices = choices(places, code)
    rate(readers)
    assert all(reader.finished() for reader in readers)
    for context in contexts:
        context.close()

    end(tab, server.url)
    shown = found(tab, server.url, "Readings in arms", table=1).set_index("measure")
    correct = shown.loc["first choice is true"]
    assert correct["difference (95 %)"].startswith(f"{EFFECT:.2f} (")
    files = exported(tab, server.url)
    rows = pd.read_csv(io.BytesIO(files["estimates.csv"]))
    rows = rows[(rows["section"] == "readings") & (rows["measure"] == "correct")]
    effect = rows[rows["statistic"] == "difference"]
    np.testing.assert_allclose(effect["value"], EFFECT)
    assert ((effect["low"] < EFFECT) & (EFFECT < effect["high"])).all()
    assert each_reader(files) == pytest.approx(
        {code: beside - alone for code, (alone, beside) in READERS.items()}
    )


def each_reader(files: dict[str, bytes]) -> dict[str, float]:
    """Return of how many more cases each reader was right with prototypes, as a share."""
    wide = pd.read_csv(io.BytesIO(files["answers_wide.csv"]))
    right = [a in b.split("; ") for a, b in zip(wide["first_choice"], wide["truth"], strict=True)]
    shares = wide.assign(right=right).groupby(["reviewer", "arm"])["right"].mean().unstack()
    return (shares["prototypes"] - shares["alone"]).to_dict()
