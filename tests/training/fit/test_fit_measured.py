import numpy as np
import pytest

from protoecg.labels import PTBXL
from protoecg.measure import QUANTITIES
from training.fit.kinds import may_speak, must_rise
from training.fit.measured import fit

NAMES = list(QUANTITIES)
STATEMENTS = [PTBXL["LNGQT"], PTBXL["CLBBB"]]


@pytest.fixture(scope="module")
def data():
    """Draw quantities of which QTc alone decides the first statement, and none the second."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3000, len(NAMES)))
    qtc = 420 + 30 * rng.normal(size=3000)
    values[:, NAMES.index("qtc")] = np.where(rng.random(3000) < 0.1, np.nan, qtc)
    long = rng.random(3000) < 1 / (1 + np.exp(-(qtc - 460) / 8))
    chance = rng.random(3000) < 0.1
    return values, np.stack([long, chance], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def evidence(data):
    return fit(*data, STATEMENTS, share=0.3)


def test_the_quantity_that_decides_has_the_curve_and_the_others_have_none(evidence):
    (curve,) = evidence.curves["LNGQT"]
    assert curve.quantity == "qtc"
    assert curve(520.0) > 2 > 0 > curve(400.0)


def test_a_curve_adds_nothing_on_average(data, evidence):
    (curve,) = evidence.curves["LNGQT"]
    qtc = data[0][:, NAMES.index("qtc")]
    assert np.mean(curve(qtc[~np.isnan(qtc)])) == pytest.approx(0, abs=1e-3)


def test_a_quantity_with_a_known_direction_never_goes_the_other_way(data):
    values, labels = data
    falling = fit(values, 1 - labels, STATEMENTS, share=0.05)
    for curve in falling.curves["LNGQT"]:
        if curve.quantity == "qtc":
            assert np.all(np.diff(curve.logits) >= 0)


def test_only_quantities_of_the_right_kind_may_speak():
    allowed = may_speak(NAMES, [PTBXL[code] for code in ("PVC", "LAFB", "NORM")])
    assert allowed[NAMES.index("early_unusual")].tolist() == [True, False, True]
    assert allowed[NAMES.index("axis")].tolist() == [False, True, True]
    assert allowed[NAMES.index("st_V2")].tolist() == [False, False, True]


def test_every_statement_may_be_spoken_for_by_some_quantity():
    assert may_speak(NAMES, list(PTBXL.values())).any(axis=0).all()
    assert set(np.unique(must_rise(NAMES, list(PTBXL.values())))) == {-1, 0, 1}
