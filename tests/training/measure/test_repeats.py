"""How much two ECGs of a patient differ where no label changed."""

import pandas as pd
import pytest

from training.data.ptbxl import DataError
from training.data.simulated import write_dataset
from training.measure.repeats import measure, summary, unchanged


def table(*rows):
    return pd.DataFrame(rows, columns=["ecg_id", "patient", "record", "codes"])


def test_only_ecgs_of_one_patient_that_follow_each_other_with_equal_labels_are_compared():
    pairs = unchanged(
        table(
            (3, "7", "c", ("SR", "LVH")),
            (1, "7", "a", ("LVH", "SR")),
            (5, "7", "e", ("SR",)),
            (4, "8", "d", ("SR",)),
            (6, "7", "f", ("SR",)),
        )
    )
    assert pairs == [("a", "c"), ("e", "f")]


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    """A data set in which every two ECGs are of one patient and say the same."""
    root = tmp_path_factory.mktemp("repeated")
    write_dataset(root, 6, 0)
    file = root / "ptbxl_database.csv"
    rows = pd.read_csv(file)
    rows["patient_id"] = [n // 2 for n in range(len(rows))]
    rows["scp_codes"] = "{'SR': 100.0}"
    rows["strat_fold"] = 1
    rows.to_csv(file, index=False)
    return root


def test_changes_are_told_of_each_measurement_and_finding(tiny_bundle, repeated):
    results = measure(tiny_bundle, repeated, [1], 2)
    assert results["n"] == 2 and results["measurements"]["Heart rate"]["n"] == 2
    rate = results["measurements"]["Heart rate"]
    assert 0 <= rate["median"] <= rate["p95"]
    assert results["logit"]["n"] == sum(spread["n"] for spread in results["statements"].values())
    assert "2 pairs of ECGs" in summary(results) and "Heart rate" in summary(results)


def test_a_data_set_without_such_pairs_is_refused_with_what_to_do(tiny_bundle, repeated, tmp_path):
    rows = pd.read_csv(repeated / "ptbxl_database.csv")
    rows.assign(patient_id=range(len(rows))).to_csv(tmp_path / "ptbxl_database.csv", index=False)
    with pytest.raises(DataError, match="no two ECGs of one patient"):
        measure(tiny_bundle, tmp_path, [1], 2)
