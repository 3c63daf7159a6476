"""Agreement, intervals and the size of a study."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
