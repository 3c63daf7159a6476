"""Multi-reader multi-case comparisons: published figures, size and coverage by simulation."""

import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from review_db.__main__ import main
from review_db.statistics.mrmc import ANALYSES, compare, compare_ratings
from review_db.statistics.mrmc.ratings import arranged, of_array, read_ratings

ROOT = Path(__file__).resolve().parents[3]
KEYS = {"difference", "se", "df", "statistic", "p", "ci"}


@pytest.fixture(scope="module")
def vandyke():
    """Van Dyke's study: five readers, 114 cases, 45 of them with a dissected aorta."""
    usual = ROOT.parent / "shared" / "cases" / "mrmc" / "vandyke.csv"
    file = Path(os.environ.get("PROTOECG_VANDYKE") or usual)
    if not file.is_file():
        pytest.skip(f"no VanDyke data at {file}: name the file in PROTOECG_VANDYKE")
    return file


def digits(found, published):
    """Compare a number with one that was printed, in all digits that it was printed with."""
    places = len(published.partition(".")[2])
    assert found == pytest.approx(float(published), abs=0.51 * 10**-places)


def table(values, truth=None):
    """Return ratings, (treatments, readers, cases), as rows; NaN has none."""
    t, r, c = values.shape
    at = np.indices(values.shape).reshape(3, -1)
    rows = pd.DataFrame(at.T, columns=["treatment", "reader", "case"]).astype(str)
    truth = np.arange(c) % 2 if truth is None else truth
    rows = rows.assign(truth=truth[at[2]], rating=values.ravel())
    return rows.dropna().reset_index(drop=True)


def test_vandykes_areas_are_those_published_by_or_dbm_mrmc(vandyke):
    found = compare(read_ratings(vandyke), "auc")
    assert (found.readers, found.cases, found.complete) == (5, 114, True)
    published = [
        ("0.91964573", "0.85877617", "0.90386473", "0.97310789", "0.82979066"),
        ("0.94782609", "0.90531401", "0.92173913", "0.99935588", "0.92995169"),
    ]
    for reader, both in zip(found.per_reader, zip(*published, strict=True), strict=True):
        for value, printed in zip(reader.values, both, strict=True):
            digits(value, printed)
    for name, printed in {
        "var_r": "0.00153500",
        "var_tr": "0.00020040",
        "cov1": "0.00034661",
        "cov2": "0.00034407",
        "cov3": "0.00023903",
        "var_error": "0.00080229",
    }.items():
        digits(getattr(found, name), printed)
    digits(found.means[0], "0.89703704")
    digits(found.means[1], "0.94083736")
    for name, printed in {
        "random_readers_random_cases": ("4.46", "15.26", "0.0517", "0.02075"),
        "fixed_readers_random_cases": ("5.47595", "1", "0.0193", "0.01872"),
        "random_readers_fixed_cases": ("8.70", "4", "0.0420", "0.01485"),
    }.items():
        analysis = getattr(found, name)
        digits(analysis.difference, "-0.04380032")
        for value, given in zip(
            (analysis.statistic, analysis.df, analysis.p, analysis.se), printed, strict=True
        ):
            digits(value, given)
    for name, ends in {
        "random_readers_random_cases": ("-0.08796", "0.00036"),
        "fixed_readers_random_cases": ("-0.08049", "-0.00711"),
        "random_readers_fixed_cases": ("-0.08502", "-0.00258"),
    }.items():
        for value, printed in zip(getattr(found, name).ci, ends, strict=True):
            digits(value, printed)


def test_vandykes_areas_with_delongs_covariances_are_those_of_mrmcaov(vandyke):
    found = compare(read_ratings(vandyke), "auc", covariance="delong").random_readers_random_cases
    for value, printed in (
        (found.statistic, "4.484854"),
        (found.df, "15.06611"),
        (found.p, "0.05123303"),
        (found.se, "0.0206825"),
        (found.ci[0], "-0.0878671960"),
        (found.ci[1], "0.0002665519"),
    ):
        digits(value, printed)


def test_vandykes_sensitivities_are_those_of_mrmcaov(vandyke):
    found = compare(read_ratings(vandyke), "sensitivity", threshold=3)
    digits(found.means[0], "0.8222222")
    digits(found.means[1], "0.92")
    analysis = found.random_readers_random_cases
    for value, printed in (
        (analysis.difference, "-0.09777778"),
        (analysis.statistic, "6.689493"),
        (analysis.df, "15.71732"),
        (analysis.p, "0.02008822"),
    ):
        digits(value, printed)


def test_the_command_prints_json_with_every_analysis(tmp_path, capsys):
    chance = np.random.default_rng(1)
    rows = table(chance.normal(size=(2, 3, 20)))
    rows.assign(note="x").to_csv(tmp_path / "study.csv", index=False)
    assert main(["mrmc", str(tmp_path / "study.csv"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    expected = compare(rows, "auc")
    assert {"readers", "cases", "means", "cov1", "cov2", "cov3", "var_error"} <= set(printed)
    for name in ANALYSES:
        assert set(printed[name]) >= KEYS
        assert printed[name]["p"] == pytest.approx(getattr(expected, name).p)


def test_the_command_says_for_whom_a_difference_holds(tmp_path, capsys):
    rows = table(np.random.default_rng(1).normal(size=(3, 3, 20)))
    rows.to_csv(tmp_path / "study.csv", index=False)
    arguments = [str(tmp_path / "study.csv"), "--measure", "mean", "--treatments", "2,0"]
    assert main(["mrmc", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "mean rating: 3 readers, 20 cases" in printed
    assert "readers and cases like these" in printed
    assert printed.count("2 less 0:") == 3
    assert main(["mrmc", *arguments[:3], "--treatments", "2,7"]) == 1
    assert "2, 7 are not each one of those rated: 0, 1, 2" in capsys.readouterr().err


def test_a_mean_of_differences_is_the_anova_of_readers_and_cases():
    """Obuchowski and Rockette's test of a mean is the mixed model's, readers and cases crossed."""
    values = np.random.default_rng(2).normal(size=(2, 5, 30)) + np.arange(5)[:, None] / 4
    values[0] += np.arange(5)[:, None] / 8
    found = compare(table(values), "mean").random_readers_random_cases
    apart = values[0] - values[1]
    by_reader, by_case = apart.mean(axis=1), apart.mean(axis=0)
    rest = apart - by_reader[:, None] - by_case + apart.mean()
    ms = [30 * by_reader.var(ddof=1), 5 * by_case.var(ddof=1), (rest**2).sum() / (4 * 29)]
    variance = (ms[0] + max(ms[1] - ms[2], 0)) / (5 * 30)
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_fixed_cases_are_the_paired_t_test_of_the_readers():
    values = np.random.default_rng(3).normal(size=(2, 6, 25))
    found = compare(table(values), "mean").random_readers_fixed_cases
    first, second = values.mean(axis=2)
    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.ci == pytest.approx(tuple(stats.ttest_rel(first, second).confidence_interval()))


def test_a_single_reader_is_compared_on_cases_alone():
    values = np.random.default_rng(4).normal(size=(2, 1, 25))
    found = compare(table(values), "mean")
    assert "single reader" in found.random_readers_random_cases.why
    apart = values[0, 0] - values[1, 0]
    fixed = found.fixed_readers_random_cases
    assert fixed.se == pytest.approx(apart.std(ddof=1) / 5)
    assert found.to_json()["cov2"] is None
    assert found.to_json()["random_readers_random_cases"]["p"] is None


def test_three_treatments_are_compared_all_together_and_two_by_two():
    values = np.random.default_rng(5).normal(size=(3, 6, 40))
    values[2] += 1
    found = compare(table(values), "mean").random_readers_random_cases
    assert found.p < 0.001
    assert [pair.treatments for pair in found.pairs] == list(combinations("012", 2))
    assert found.pairs[1].ci[1] < 0
    assert np.isnan(found.difference)


def test_ratings_that_never_vary_have_no_error():
    found = compare(table(np.ones((2, 3, 10))), "auc")
    assert found.means == (0.5, 0.5)
    for name in ANALYSES:
        analysis = getattr(found, name)
        assert analysis.difference == 0
        assert np.isnan([analysis.p, analysis.se, *analysis.ci]).all()
        assert "Nothing varies" in analysis.why


def test_a_case_counts_for_a_reader_who_rated_it_under_every_treatment():
    values = np.random.default_rng(6).normal(size=(2, 3, 12))
    values[0, 1, :4] = np.nan
    found = compare(table(values), "mean")
    assert (found.complete, found.paired, found.left_out) == (False, True, 4)
    assert [reader.cases for reader in found.per_reader] == [12, 8, 12]
    alone = compare(table(np.where(np.isnan(values[0]), np.nan, values)), "mean")
    assert found.random_readers_random_cases == alone.random_readers_random_cases


def test_a_reader_who_left_before_the_second_treatment_is_named():
    values = np.random.default_rng(7).normal(size=(2, 3, 12))
    values[1, 2] = np.nan
    found = compare(table(values), "mean")
    assert (found.readers, found.readers_left_out, found.left_out) == (2, ("2",), 12)


def test_each_treatment_may_have_its_own_cases():
    values = np.random.default_rng(8).normal(size=(2, 4, 40))
    values[0, :, :20] = values[1, :, 20:] = np.nan
    found = compare(table(values), "mean")
    assert (found.paired, found.cases, found.left_out) == (False, 40, 0)
    assert found.cov1 == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="truth"), "columns truth are missing"),
        (lambda rows: rows.assign(truth="sick"), "column truth holds 'sick'"),
        (lambda rows: rows.assign(truth=2), "something else than 0 and 1"),
        (lambda rows: pd.concat([rows, rows.head(1)]), "rated case 0 under treatment 0 twice"),
        (lambda rows: rows[rows["treatment"] == "0"], "of 1 treatments, expected 2 to 20"),
        (lambda rows: rows.assign(reader=""), "no reader, case or treatment"),
        (lambda rows: rows.assign(rating=np.inf), "an infinite number"),
        (lambda rows: rows.assign(truth=1), "0 cases without disease"),
        (lambda rows: rows[rows["case"].isin(["0", "1", "2"])], "1 diseased cases"),
        (
            lambda rows: rows.assign(truth=(rows["reader"] == "0").astype(int)),
            "Case 0 is diseased in one row and not in another",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(change, message):
    rows = table(np.random.default_rng(9).normal(size=(2, 3, 12)))
    with pytest.raises(ValueError, match=message):
        compare(change(rows), "auc")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": "kappa"}, "no measure 'kappa', expected one of auc"),
        ({"measure": "sensitivity"}, "needs a threshold"),
        ({"measure": "auc", "threshold": 3}, "has no threshold"),
        ({"measure": "mean", "covariance": "delong"}, "those of the measure auc"),
        ({"covariance": "guess"}, "expected jackknife or delong"),
    ],
)
def test_what_is_not_measured_is_refused(options, message):
    rows = table(np.random.default_rng(9).normal(size=(2, 3, 12)))
    with pytest.raises(ValueError, match=message):
        compare(rows, **options)


def test_a_file_of_nothing_but_names_is_refused(tmp_path, capsys):
    many = pd.DataFrame({"reader": range(6000), "case": range(6000), "treatment": 0})
    many = pd.concat([many, many.assign(treatment=1)]).assign(truth=1, rating=1)
    with pytest.raises(ValueError, match="more than can be compared"):
        arranged(many)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    assert main(["mrmc", str(tmp_path / "picture.png")]) == 1
    assert "is no CSV in UTF-8" in capsys.readouterr().err


def readings(chance, readers, cases, *, effect=0.0, spread=0.5):
    """Simulate correct (1) and wrong (0) readings by logits; readers differ in the effect."""
    level = 0.5 + chance.normal(0, 0.5, (readers, 1)) + chance.normal(0, 1, cases)
    helped = effect + chance.normal(0, spread, (readers, 1)) + chance.normal(0, 0.5, cases)
    logits = np.stack([level, level + helped])
    return (chance.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)


def preferences(chance, readers, cases):
    """Simulate preferences from -1 to 1 against a second treatment of 0; readers differ."""
    liking = chance.normal(0, 0.3, (readers, 1)) + chance.normal(0, 0.3, cases)
    given = np.sign(np.rint(liking + chance.normal(0, 1, (readers, cases))))
    return np.stack([given, np.zeros_like(given)])


def seconds(chance, readers, cases):
    """Simulate seconds to read; readers differ in what they take longer or shorter by."""
    usual = 30 + chance.normal(0, 8, (readers, 1)) + chance.normal(0, 8, cases)
    change = chance.normal(0, 4, (readers, 1)) + chance.normal(0, 3, cases)
    both = np.stack([usual, usual + change])
    return both + chance.normal(0, 8, both.shape)


def false_alarms(simulated, studies):
    """Return how often no difference is called one: for new readers, and for these cases alone."""
    found = [
        compare_ratings(of_array(values, np.ones(values.shape[2])), "mean")
        for values in (simulated() for _ in range(studies))
    ]
    return np.mean(
        [
            [one.random_readers_random_cases.p < 0.05, one.fixed_readers_random_cases.p < 0.05]
            for one in found
        ],
        axis=0,
    )


@pytest.mark.parametrize(("readers", "cases"), [(4, 60), (6, 100)])
def test_readers_who_differ_raise_no_more_false_alarms_than_promised(readers, cases):
    """Without the readers' variance it was 18 and 28 % of them."""
    chance = np.random.default_rng(11)
    new, these = false_alarms(lambda: readings(chance, readers, cases), 600)
    assert 0.03 <= new <= 0.07
    assert these > 0.12


@pytest.mark.slow
@pytest.mark.parametrize("simulated", [readings, preferences, seconds])
@pytest.mark.parametrize(("readers", "cases"), [(4, 60), (6, 100), (10, 40)])
def test_one_in_twenty_studies_without_an_effect_finds_one(simulated, readers, cases):
    chance = np.random.default_rng(12)
    assert 0.03 <= false_alarms(lambda: simulated(chance, readers, cases), 2000)[0] <= 0.07


@pytest.mark.slow
def test_readers_of_partly_other_cases_raise_no_more_false_alarms():
    """A third of the cases is read by all, of the others each reader has an own block."""
    chance = np.random.default_rng(13)

    def partly():
        values = readings(chance, 5, 100)
        block = (np.arange(100) - 30) // 14
        return np.where((block < 0) | (block == np.arange(5)[:, None]), values, np.nan)

    assert 0.03 <= false_alarms(partly, 2000)[0] <= 0.07


@pytest.mark.slow
def test_an_interval_holds_the_true_difference_for_new_readers():
    chance = np.random.default_rng(14)
    first, second = readings(chance, 2000, 4000, effect=0.8).mean(axis=(1, 2))
    covered = []
    for _ in range(2000):
        values = readings(chance, 5, 60, effect=0.8)
        low, high = compare_ratings(
            of_array(values, np.ones(60)), "mean"
        ).random_readers_random_cases.ci
        covered.append(low <= first - second <= high)
    assert 0.92 <= np.mean(covered) <= 0.98
