"""What was retired or rejected does not come back, nor a window that is like it."""

import pytest
from test_curate import ordinary
from torch.nn.functional import cosine_similarity

from protoecg.bundle import load_bundle
from protoecg.prototypes.curation import Candidates, Proposal, Proposals, Rule, Verdict
from training.curate.desk import Desk
from training.curate.pool import pool
from training.curate.rejected import rejected, vector_of
from training.curate.reporter import Reporter
from training.curate.run import curate


def proposed(*names):
    retired = [
        Proposal(prototype=name, why="", disagreement="", verdict=Verdict()) for name in names
    ]
    return Proposals(retired=tuple(retired), rejected=(), rated=len(names))


def cosine(one, other):
    return float(cosine_similarity(one, other, dim=0))


def test_no_candidate_is_like_another_window_that_is_retired_with_it(bundle, simulated_root):
    first = ordinary(bundle)
    second = next(
        p for p in bundle.prototypes if p.statement == first.statement and p.name != first.name
    )
    desk, one, other = (
        Desk(bundle, simulated_root),
        *(vector_of(bundle, p) for p in (first, second)),
    )
    anything = Rule(candidates=Candidates(unlike=1.0))
    alone = desk.candidates(first.name, proposed(first.name), anything).candidates
    like_second = [c for c in alone if cosine(c.vector, other) > cosine(c.vector, one) + 1e-3]
    if not like_second:
        pytest.fail("no candidate is more like the second prototype: choose another statement")
    limit = cosine(like_second[0].vector, other) - 1e-4
    strict = Rule(candidates=Candidates(unlike=limit))
    both = desk.candidates(first.name, proposed(first.name, second.name), strict).candidates
    assert like_second[0].prototype.identity not in {c.prototype.identity for c in both}
    assert all(cosine(c.vector, other) < limit for c in both)


def test_what_an_earlier_curation_retired_is_known_to_the_next(bundle, simulated_root, tmp_path):
    bad = ordinary(bundle)
    out, work = tmp_path / "out", tmp_path / "work"
    curate(
        bundle,
        simulated_root,
        proposed(bad.name),
        Rule(),
        out=out,
        work=work,
        reporter=Reporter([].append),
    )
    made = load_bundle(out)
    known = rejected(made, pool(made, simulated_root), proposed())
    assert bad.identity in known.identities
    assert known.likeness(bad.statement, vector_of(bundle, bad)) == pytest.approx(1, abs=0.02)
