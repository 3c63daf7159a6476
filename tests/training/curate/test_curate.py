import json
import shutil

import pandas as pd
import pytest
import torch

from protoecg.bundle import load_bundle
from protoecg.card.document import read_card
from protoecg.evidence.neighbours import read_neighbours
from protoecg.explain import explain
from protoecg.prototypes.curation import curations
from protoecg.storage.files import checksum
from review_db import Item, open_database, save_answer
from review_db.findings.opinions import COLUMNS
from review_db.studies.design import design_from_toml
from training.__main__ import main
from training.curate.pool import pool
from training.data import ptbxl
from training.data.simulated import write_dataset

RULE = """
reviewers = 2
representativeness = 2
not_accurate = 0.5
"""


def opinions(bundle, points, reviewers=("R01", "R02", "R03")):
    """An export in which reviewers gave prototypes so many points."""
    by_name = {p.name: p for p in bundle.prototypes}
    return pd.DataFrame(
        [
            {
                "reviewer": reviewer,
                "window": by_name[name].identity,
                "statement": by_name[name].statement,
                "record": by_name[name].record,
                "start_s": by_name[name].window_s[0],
                "end_s": by_name[name].window_s[1],
                "question": "representativeness",
                "value": given,
                "at": "2026-01-01T00:00:00+00:00",
                "study": "",
                "bundle": bundle.name,
                "fingerprint": bundle.fingerprint,
                "prototype": name,
            }
            for name, given in points.items()
            for reviewer in reviewers
        ],
        columns=COLUMNS,
    )


@pytest.fixture
def curated(tmp_path, bundle, simulated_root, work):
    """Runs the command on ratings, and returns its exit code and the folder it names."""

    def run(points, *options, rule=RULE, data=simulated_root):
        (tmp_path / "export").mkdir(exist_ok=True)
        opinions(bundle, points).to_csv(tmp_path / "export" / "opinions.csv", index=False)
        (tmp_path / "rule.toml").write_text(rule)
        out = tmp_path / "out"
        arguments = ["curate", "--bundle", bundle.path, "--ratings", tmp_path / "export"]
        arguments += ["--rule", tmp_path / "rule.toml", "--out", out, "--work", work, *options]
        return main([*map(str, arguments), *(["--data", str(data)] if data else [])]), out

    return run


def localised(bundle):
    return next(p for p in bundle.prototypes if p.branch == "morphology")


def ordinary(bundle):
    """A localised prototype whose statement has another one, and enough patients."""
    counts = pd.Series([p.statement for p in bundle.prototypes]).value_counts()
    return next(
        p for p in bundle.prototypes if p.branch == "morphology" and counts[p.statement] > 1
    )


def test_a_badly_rated_prototype_is_replaced_by_another_patients_window(curated, bundle, capsys):
    bad = ordinary(bundle)
    code, out = curated({bad.name: 1, bundle.prototypes[0].name: 5})
    assert code == 0, capsys.readouterr().err
    made = load_bundle(out)
    new = [p for p in made.prototypes if p.name not in {q.name for q in bundle.prototypes}]
    assert len(new) == 1 and len(made.prototypes) == len(bundle.prototypes)
    assert new[0].statement == bad.statement and bad.name not in {p.name for p in made.prototypes}
    assert new[0].patient not in {
        p.patient for p in bundle.prototypes if p.statement == bad.statement
    }
    assert bad.statement in new[0].statements
    change = curations(made.about)[0].changes[0]
    assert (change.retired, change.new, change.reviewers) == (
        bad.name,
        new[0].name,
        ("R01", "R02", "R03"),
    )
    assert change.words == f"replaced {bad.name}, rated 1.0 by 3 reviewers"
    assert curations(made.about)[0].parent == bundle.revision


def test_the_new_bundle_explains_with_the_newcomer_and_has_its_index(
    curated, bundle, simulated_root, capsys
):
    _, out = curated({ordinary(bundle).name: 1})
    made = load_bundle(out)
    new = next(p for p in made.prototypes if p.name not in {q.name for q in bundle.prototypes})
    ecg = ptbxl.read_record(simulated_root, new.record)
    findings = explain(ecg, made).findings
    finding = next(f for f in findings if f.code == new.statement)
    match = next(m for m in finding.matches if m.prototype.name == new.name)
    # Its own ECG holds the very window, so that no other ECG can be more like it.
    assert match.similarity == pytest.approx(1, abs=1e-4)
    assert len(read_neighbours(made)) == len(pool(bundle, simulated_root).table)


def test_statements_that_no_change_touches_keep_every_bit(curated, bundle):
    _, out = curated({ordinary(bundle).name: 1})
    made = load_bundle(out)
    refitted = set(curations(made.about)[0].refitted)
    kept = [i for i, code in enumerate(bundle.statements) if code not in refitted]
    assert refitted and kept
    assert torch.equal(made.network.fusion.bias[kept], bundle.network.fusion.bias[kept])
    for code in set(bundle.statements) - refitted:
        assert made.decisions[code] == bundle.decisions[code]


def test_retiring_nothing_gives_the_same_decisions_bit_for_bit(curated, bundle):
    code, out = curated({ordinary(bundle).name: 5})
    made = load_bundle(out)
    assert code == 0 and made.prototypes == bundle.prototypes
    for name, values in bundle.network.state_dict().items():
        assert torch.equal(values, made.network.state_dict()[name])
    assert made.decisions == bundle.decisions and made.measured == bundle.measured


def test_one_reviewer_alone_retires_nothing(curated, bundle, tmp_path, capsys):
    bad = ordinary(bundle)
    _, _ = curated({bad.name: 1})
    lone = opinions(bundle, {bad.name: 1}, reviewers=["R01"])
    lone.to_csv(tmp_path / "export" / "opinions.csv", index=False)
    out = tmp_path / "second"
    arguments = ["curate", "--bundle", bundle.path, "--ratings", tmp_path / "export", "--rule"]
    arguments += [tmp_path / "rule.toml", "--out", out, "--dry-run"]
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 0
    assert "\n0 of" in capsys.readouterr().out


def test_the_bundle_that_was_curated_stays_as_it_was(curated, bundle):
    before = {file.name: checksum(file) for file in bundle.path.iterdir() if file.is_file()}
    curated({ordinary(bundle).name: 1})
    after = {file.name: checksum(file) for file in bundle.path.iterdir() if file.is_file()}
    assert before == after


def test_a_dry_run_prints_candidates_and_writes_nothing(curated, bundle, capsys):
    bad = ordinary(bundle)
    code, out = curated({bad.name: 1}, "--dry-run")
    printed = capsys.readouterr().out
    assert code == 0 and not out.exists()
    assert f"{bad.name}: median representativeness 1, at most 2 (3 reviewers" in printed
    assert "likeness" in printed


def test_a_second_curation_never_brings_back_what_was_retired(
    curated, bundle, simulated_root, tmp_path, work
):
    bad = ordinary(bundle)
    _, out = curated({bad.name: 1})
    once_curated = load_bundle(out)
    new = next(
        p for p in once_curated.prototypes if p.name not in {q.name for q in bundle.prototypes}
    )
    (tmp_path / "again.toml").write_text(f'retire = ["{new.name}"]\n')
    arguments = ["curate", "--bundle", out, "--ratings", tmp_path / "export", "--rule"]
    arguments += [tmp_path / "again.toml", "--out", tmp_path / "again", "--work", work]
    assert main([*map(str, arguments), "--data", str(simulated_root)]) == 0
    again = load_bundle(tmp_path / "again")
    known = {bad.identity, new.identity}
    assert not known & {p.identity for p in again.prototypes}
    assert len(curations(again.about)) == 2 and again.name.endswith(", curated 2")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("retire = ['morphology-XYZ-1']", "no prototype of this bundle"),
        ("reviewers = 'two'", "reviewers"),
        ("nonsense = 1", "nonsense"),
        ("this is no toml", "cannot be read as a rule"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_in_a_sentence(curated, rule, message, capsys):
    code, out = curated({}, rule=rule)
    err = capsys.readouterr().err
    assert code == 1 and message in err and err.count("\n") == 1 and not out.exists()


def test_a_rule_that_empties_a_statement_is_refused(curated, bundle, capsys):
    statement = ordinary(bundle).statement
    names = [p.name for p in bundle.prototypes if p.statement == statement]
    code, out = curated({}, rule=f"replace = false\nretire = {names}")
    assert code == 1 and "without a prototype" in capsys.readouterr().err and not out.exists()


def test_an_export_of_another_bundle_is_refused(curated, bundle, tmp_path, capsys):
    bad = ordinary(bundle)
    curated({bad.name: 1}, "--dry-run")
    foreign = opinions(bundle, {bad.name: 1}).assign(window="f" * 32)
    foreign.to_csv(tmp_path / "export" / "opinions.csv", index=False)
    arguments = ["curate", "--bundle", bundle.path, "--ratings", tmp_path / "export", "--rule"]
    arguments += [tmp_path / "rule.toml", "--out", tmp_path / "foreign"]
    assert main([*map(str, arguments)]) == 1
    assert "of another one" in capsys.readouterr().err


def test_a_data_set_without_the_bundles_ecgs_is_refused(curated, bundle, tmp_path, capsys):
    write_dataset(tmp_path / "other", 20, seed=9)
    code, out = curated({ordinary(bundle).name: 1}, data=tmp_path / "other")
    assert code == 1 and "not the data set" in capsys.readouterr().err and not out.exists()


def test_a_data_set_that_lacks_a_record_is_refused_in_a_sentence(
    curated, bundle, simulated_root, tmp_path, capsys
):
    shutil.copytree(simulated_root, tmp_path / "part")
    record = pool(bundle, tmp_path / "part").table["record"].iloc[-1]
    (tmp_path / "part" / f"{record}.hea").unlink()
    options = ["--work", str(tmp_path / "another")]
    code, out = curated({ordinary(bundle).name: 1}, *options, data=tmp_path / "part")
    err = capsys.readouterr().err.splitlines()[-1]
    assert code == 1 and f"lacks the record {record}" in err and not out.exists()


def test_ratings_of_prototypes_that_the_bundle_has_not_are_counted_apart(
    curated, bundle, tmp_path, capsys
):
    bad = ordinary(bundle)
    ratings = opinions(bundle, {bad.name: 1})
    others = ratings.assign(window="f" * 32)
    curated({}, "--dry-run")
    pd.concat([ratings, others]).to_csv(tmp_path / "export" / "opinions.csv", index=False)
    arguments = ["curate", "--bundle", bundle.path, "--ratings", tmp_path / "export", "--rule"]
    arguments += [tmp_path / "rule.toml", "--out", tmp_path / "apart", "--dry-run"]
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 0
    printed = capsys.readouterr().out
    assert f"1 of {len(bundle.prototypes)} prototypes are rated; 1 window" in printed


def test_a_curation_killed_after_the_bundle_was_made_goes_on(curated, bundle, tmp_path, capsys):
    bad = ordinary(bundle)
    code, out = curated({bad.name: 1})
    first = load_bundle(out).revision
    figures, study = tmp_path / "figures.json", tmp_path / "study.toml"
    code, _ = curated({bad.name: 1}, "--json", str(figures), "--draft", str(study))
    assert code == 0 and load_bundle(out).revision == first
    document = json.loads(figures.read_text())
    assert set(document["per_part"]) == {"fused", *bundle.network.branches}
    assert len(document["random"]["refitted"]) == 20
    design = design_from_toml(study.read_text())
    assert len(design.sample.prototypes) == 2 and design.reviewers == ("R01", "R02", "R03")


def test_a_folder_that_holds_something_else_is_left_alone(curated, bundle, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("all of it")
    code, out = curated({ordinary(bundle).name: 1})
    assert code == 1 and "is there already" in capsys.readouterr().err
    assert (out / "thesis.txt").read_text() == "all of it"


def test_the_database_itself_proposes_and_other_bundles_are_said_in_a_sentence(
    bundle, tmp_path, capsys
):
    bad = ordinary(bundle)
    url = f"sqlite:///{tmp_path}/ratings.db"
    engine = open_database(url)
    for reviewer in ("R01", "R02"):
        save_answer(
            engine,
            reviewer=reviewer,
            item=Item(bundle.name, bundle.fingerprint, bad.name, bad.branch, bad.statement),
            question="representativeness",
            value=1,
        )
    engine.dispose()
    (tmp_path / "rule.toml").write_text(RULE)
    arguments = ["curate", "--bundle", bundle.path, "--rule", tmp_path / "rule.toml"]
    arguments += ["--out", tmp_path / "out", "--dry-run", "--ratings"]
    assert main([*map(str, arguments), url]) == 0
    assert f"{bad.name}: median representativeness 1" in capsys.readouterr().out
    assert main([*map(str, arguments), f"sqlite:///{tmp_path}/none.db"]) == 1
    assert "no database of ratings" in capsys.readouterr().err


def test_another_hospitals_scales_and_thresholds_stay(bundle, simulated_root, work, tmp_path):
    """The first validation ECGs are none of that hospital's: they measure, and set nothing."""
    hospital = tmp_path / "hospital"
    write_dataset(hospital, 80, seed=77)
    (hospital / "dataset.json").write_text(json.dumps({"name": "Elsewhere", "licence": "none"}))
    site = tmp_path / "site"
    arguments = ["recalibrate", "--bundle", bundle.path, "--data", hospital, "--out", site]
    assert main([*map(str, arguments)]) == 0
    calibrated, bad = load_bundle(site), ordinary(bundle)
    (tmp_path / "rule.toml").write_text(f'retire = ["{bad.name}"]')
    opinions(bundle, {bad.name: 1}).to_csv(tmp_path / "opinions.csv", index=False)
    arguments = ["curate", "--bundle", site, "--ratings", tmp_path, "--work", work]
    arguments += ["--rule", tmp_path / "rule.toml", "--out", tmp_path / "out"]
    assert main([*map(str, arguments), "--data", str(simulated_root)]) == 0
    made = load_bundle(tmp_path / "out")
    assert bad.statement in curations(made.about)[0].refitted
    assert made.decisions == calibrated.decisions and made.measured == calibrated.measured
    assert made.recalibrations == calibrated.recalibrations
    card = read_card(made)
    # What the hospital's ECGs said was of the prototypes before.
    assert card["curation"]["per_part"] and "site" not in card and not card["evaluations"]
