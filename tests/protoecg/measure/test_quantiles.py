import numpy as np
import pytest

from protoecg.measure.quantiles import median, percentile


@pytest.mark.parametrize("shape", [(12, 1), (12, 2), (12, 501), (5, 12, 40)])
@pytest.mark.parametrize("axis", [0, 1])
def test_they_are_those_of_numpy_to_the_last_bit(shape, axis):
    values = np.random.default_rng(1).standard_normal(shape)
    np.testing.assert_array_equal(median(values, axis), np.median(values, axis=axis))
    for percent in (0, 5, 20, 55, 97, 99, 100):
        expected = np.percentile(values, percent, axis=axis, keepdims=True)
        np.testing.assert_array_equal(percentile(values, percent, axis), expected)
