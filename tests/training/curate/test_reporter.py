"""Whoever waits for a curation is told how far each step is that takes long."""

import pandas as pd
from test_curate import ordinary

from protoecg.prototypes.curation import Proposal, Proposals, Rule, Verdict
from training.curate.reporter import Reporter
from training.curate.run import curate


def test_each_step_that_takes_long_is_followed_to_its_end(bundle, simulated_root, tmp_path):
    bad = ordinary(bundle).name
    proposal = Proposal(prototype=bad, why="", disagreement="", verdict=Verdict())
    handed = []

    def follow(items, *, desc, unit, **_):
        for done, item in enumerate(items, start=1):
            handed.append((desc, unit, done, len(items)))
            yield item

    curate(
        bundle,
        simulated_root,
        Proposals(retired=(proposal,), rejected=(), rated=1),
        Rule(),
        out=tmp_path / "out",
        work=tmp_path / "work",
        reporter=Reporter([].append, follow),
    )
    steps = pd.DataFrame(handed, columns=["step", "unit", "done", "total"])
    ends = steps.groupby("step").last()
    assert (ends["done"] == ends["total"]).all()
    assert set(ends.index) == {
        "candidates",
        "training ECGs",
        "validation ECGs",
        "measuring",
        "retired at random",
    }
    assert tuple(ends.loc["retired at random"]) == ("draw", 20, 20)
