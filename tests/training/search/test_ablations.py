"""The table of rules: each row a settings file, measured against ours on ECGs not selected by."""

from dataclasses import asdict, replace

import pytest
import torch

from training.commands.options import CONFIGS
from training.fit.config import ConfigError, read_config
from training.search.ablations import ablations, table

OURS = """
name = "Ours"
teacher = 0.0
train_folds = [1, 2, 3, 4, 5, 6, 7]
validation_folds = [8]

[branches.morphology]
view = "window"
widths = [8, 8, 8]
strides = [2, 1]
latent = 8
prototypes_per_statement = 2
pretrain_epochs = 1
joint_epochs = 1
anchored_epochs = 1

[fusion]
shares = [0.05]
"""
PUBLISHED = (
    OURS.replace('"Ours"', '"Published"')
    .replace('view = "window"', 'view = "wide"\npooling = "mean"\nunique_patients = false')
    .replace("widths = [8, 8, 8]", "widths = [8, 8, 8, 8, 8]")
    .replace("strides = [2, 1]", "strides = [2, 2, 2, 2]")
    .replace("shares = [0.05]", 'shares = [0.0]\nsupport = "any"')
)


@pytest.fixture(scope="module")
def results(tmp_path_factory, simulated_root):
    configs = tmp_path_factory.mktemp("configs")
    for name, text in {"ours": OURS, "same": OURS, "published": PUBLISHED}.items():
        (configs / f"{name}.toml").write_text(text, encoding="utf-8")
    work = tmp_path_factory.mktemp("work")
    return ablations(configs, simulated_root, work, 9, torch.device("cpu"))


def test_ours_comes_first_and_is_compared_with_nothing(results):
    assert results["rows"][0]["config"] == "ours" and results["rows"][0]["difference"] is None
    assert {row["config"] for row in results["rows"]} == {"ours", "same", "published"}


def test_equal_settings_differ_by_nothing(results):
    same = next(row for row in results["rows"] if row["config"] == "same")
    assert same["difference"] == 0 and same["difference_interval"] == [0, 0]
    assert same["macro_auroc"] == results["rows"][0]["macro_auroc"]


def test_a_dense_fusion_by_all_uses_every_prototype(results):
    published = next(row for row in results["rows"] if row["config"] == "published")
    assert published["median_prototypes"] > results["rows"][0]["median_prototypes"]


def test_the_table_has_a_line_for_each_row(results):
    lines = table(results).splitlines()
    assert sum(line.startswith("| Ours ") for line in lines) == 2
    assert any(line.startswith("| Published |") for line in lines)


def test_a_folder_without_ours_is_refused(tmp_path, simulated_root):
    with pytest.raises(ConfigError, match=r"ours\.toml"):
        ablations(tmp_path, simulated_root, tmp_path / "work", 9, torch.device("cpu"))


def test_a_fold_that_a_row_knows_is_refused(tmp_path, simulated_root):
    (tmp_path / "ours.toml").write_text(OURS, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ours\.toml trains on fold 8 or selects by it"):
        ablations(tmp_path, simulated_root, tmp_path / "work", 8, torch.device("cpu"))


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("ablations/*.toml")), ids=lambda f: f.stem)
def test_no_row_trains_on_or_selects_by_the_fold_that_is_reported(file):
    config = read_config(file)
    assert set(config.train_folds) == set(range(1, 8)) and config.validation_folds == (8,)


def test_the_held_out_run_differs_from_the_shipped_one_by_its_folds_alone():
    shipped, held_out = (read_config(CONFIGS / f"{n}.toml") for n in ("ptbxl", "held_out"))
    folds = {"train_folds": shipped.train_folds, "validation_folds": shipped.validation_folds}
    assert asdict(replace(held_out, name=shipped.name, **folds)) == asdict(shipped)
