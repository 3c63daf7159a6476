import pytest
import torch
from torch.nn.functional import normalize

from protoecg.network import losses
from protoecg.network.projection import Anchors, crop, latents
from protoecg.network.protoecgnet import Branch
from protoecg.prototypes.curation import Change, Curation
from training.__main__ import main
from training.fit.config import ConfigError, read_config
from training.fit.forget import Forgetting, Window, read_forgetting, write_forgetting
from training.fit.forget import sources as places_of
from training.fit.run import Fit
from training.fit.setup import Setup

CPU = torch.device("cpu")
MARGIN = 0.5
# Long enough that the hinge can do its work, on one branch of windows.
LEARNS = """
name = "Learns"
seed = 3
batch = 16
carry_waveforms = true

[fusion]
shares = [0.2, 0.05]

[branches.morphology]
view = "leads"
widths = [8, 8, 8]
strides = [2, 1]
latent = 24
prototypes_per_statement = 2
pretrain_epochs = 2
joint_epochs = 4
anchored_epochs = 8
live = 16
"""


@pytest.mark.parametrize(
    ("forgotten", "same", "expected"),
    [
        ([[1.0, 0.0]], [[True], [True]], (0.5 + 0.0) / 2),
        ([[1.0, 0.0]], [[False], [True]], 0.0),
        ([[1.0, 0.0], [3.0, 4.0]], [[True, True], [False, True]], (0.5 + 0.3) / 2),
        ([[1.0, 0.0]], [[False], [False]], 0.0),
    ],
)
def test_the_hinge_is_of_the_most_similar_window_of_the_same_statement(forgotten, same, expected):
    vectors = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
    found = losses.forgetting(vectors, torch.tensor(forgotten), torch.tensor(same), 0.5)
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.fixture(scope="module")
def learns(tmp_path_factory):
    file = tmp_path_factory.mktemp("learns") / "learns.toml"
    file.write_text(LEARNS)
    return read_config(file)


@pytest.fixture(scope="module")
def usual(learns, simulated_root, tmp_path_factory):
    """A branch as it is trained without anything to forget."""
    fit = Fit(Setup(learns, simulated_root, tmp_path_factory.mktemp("usual"), CPU))
    return fit, fit.branches.trained("morphology")


def similarity(fit, trained, forgetting):
    """The greatest cosine of a prototype to a forgotten window of its statement, as trained."""
    branch = Branch(fit.setup.shapes["morphology"])
    branch.load_state_dict(trained.state)
    branch.eval()
    places, same = places_of(branch, forgetting, fit.setup.train.dataset)
    with torch.no_grad():
        windows = latents(branch, Anchors(*crop(branch, fit.setup.train.data.x, places)))
    cosine = normalize(branch.prototypes.vectors, dim=1) @ normalize(windows, dim=1).T
    return cosine[same].max().item()


@pytest.fixture(scope="module")
def forgetting(usual):
    """All windows that the usual branch has, to be forgotten."""
    fit, trained = usual
    owners = fit.setup.shapes["morphology"].owners
    branch, records = (
        Branch(fit.setup.shapes["morphology"]),
        fit.setup.train.dataset.table["record"],
    )
    windows = tuple(
        Window(owner, records.iloc[source.row], *branch.window_s(source.cell))
        for source, owner in zip(trained.sources, owners, strict=True)
    )
    return Forgetting(windows, weight=20.0, margin=MARGIN)


def test_what_is_forgotten_falls_below_the_margin_and_else_does_not(
    usual, learns, forgetting, simulated_root, tmp_path
):
    fit, trained = usual
    assert similarity(fit, trained, forgetting) > 0.99
    away = Fit(Setup(learns, simulated_root, tmp_path, CPU, forgetting))
    assert similarity(away, away.branches.trained("morphology"), forgetting) < MARGIN
    # To bar their ECGs alone does not do it: the model learns what is like them.
    barred = Forgetting(forgetting.windows, weight=0.0, margin=MARGIN)
    alone = Fit(Setup(learns, simulated_root, tmp_path / "barred", CPU, barred))
    assert similarity(alone, alone.branches.trained("morphology"), forgetting) > MARGIN


def test_no_prototype_comes_from_an_ecg_that_is_forgotten_for_its_statement(
    learns, forgetting, simulated_root, tmp_path
):
    setup = Setup(learns, simulated_root, tmp_path / "work", CPU, forgetting)
    made = Fit(setup).run(tmp_path / "out")
    barred = {(w.statement, w.record) for w in forgetting.windows}
    assert not barred & {(p.statement, p.record) for p in made.prototypes}
    assert made.about["forgetting"]["margin"] == MARGIN


def test_a_run_goes_on_with_what_it_forgets_and_with_nothing_else(
    learns, forgetting, simulated_root, tmp_path
):
    first, again = (
        Fit(Setup(learns, simulated_root, tmp_path, CPU, forgetting)).branches.trained("morphology")
        for _ in range(2)
    )
    assert all(torch.equal(first.state[key], again.state[key]) for key in first.state)
    with pytest.raises(ConfigError, match="other settings"):
        Fit(Setup(learns, simulated_root, tmp_path, CPU))


def test_what_curations_retired_is_what_is_read_again(tmp_path):
    change = Change(
        retired="morphology-PVC-1", identity="0" * 32, record="records100/00000/00001_lr",
        window_s=(1.2, 2.15), statement="PVC", why="", reviewers=(), representativeness=None,
        new=None,
    )  # fmt: skip
    curation = Curation(
        date="2026-01-01", parent="", parent_fingerprint="", rule={}, changes=(change,),
        refitted=(),
    )  # fmt: skip
    write_forgetting(tmp_path / "retired.toml", [curation])
    assert read_forgetting(tmp_path / "retired.toml").windows == (
        Window("PVC", "records100/00000/00001_lr", 1.2, 2.15),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("windows = 3", "windows"),
        ("margin = 2.0", "margin"),
        ("nonsense = 1", "nonsense"),
        ("no toml", "cannot be read"),
        ('[[windows]]\nstatement = "PVC"\nrecord = "records100/none"', "no training ECG"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    text, message, tmp_path, tiny_config, simulated_root, capsys
):
    (tmp_path / "forget.toml").write_text(text)
    command = ["fit", "--data", simulated_root, "--out", tmp_path / "out", "--config", tiny_config]
    command += ["--work", tmp_path / "work", "--forget", tmp_path / "forget.toml"]
    assert main([str(a) for a in command]) == 1
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in err
