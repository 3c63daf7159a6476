"""How well an ECG was recorded: what hides its waves, and electrodes that could be in wrong places.

The limits were chosen on 300 ECGs of PTB-XL's folds 1 to 8, that of noise on fold 8;
`python -m training quality` measures them on others. A lead that is missing is refused by the
readers; leads that are silent throughout, computed, too large or at odds with each other are in the
notes of `ECG`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.measure.quantiles import median
from protoecg.signals.filters import butterworth

FLAT_S, FLAT_MV = 2.0, 0.005
RAIL_S, RAIL_SAMPLES, RAIL_RUNS, RAIL_MV = 0.012, 3, 3, 0.3
NOISE_HZ, NOISE_MV = (20.0, 100.0), 0.03
WANDER_HZ, WANDER_MV = 0.5, 1.5
WAVES_HZ = (0.7, 40.0)
# Share of the samples that are least steep: P, T and the baseline.
QUIET = 0.8
ARMS_ALL, ARMS_QUIET = -0.6, -0.2
CHEST_FIRST, CHEST_LAST = 0.3, 0.3

_JUDGED_BY = ("I", "aVR", "V1", "V6")
_ROWS = [LEADS.index(lead) for lead in _JUDGED_BY]


@dataclass(frozen=True)
class Quality:
    """What is wrong with a recording, as far as it shows.

    Parameters
    ----------
    flat : leads that do not move for two seconds or more, but do at other times
    clipped : leads that are cut off at a rail, their largest or smallest value
    noisy : leads whose muscle or mains noise (20 to 100 Hz) could be taken for waves
    wander : leads whose baseline wanders by more than 1.5 mV
    arms_swapped, chest_reversed : whether electrodes could be in each other's places
    """

    flat: tuple[str, ...]
    clipped: tuple[str, ...]
    noisy: tuple[str, ...]
    wander: tuple[str, ...]
    arms_swapped: bool
    chest_reversed: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader of the tracing should know, one sentence each; none of a good ECG."""
        remarks = (
            (self.flat, "No signal for two seconds or more in {}."),
            (self.clipped, "Cut off at the limit of the recorder in {}: amplitudes are too low."),
            (self.noisy, "Muscle or mains noise in {}: small waves and ST cannot be judged."),
            (self.wander, "The baseline wanders in {}: ST levels cannot be judged."),
        )
        found = [words.format(_listed(leads)) for leads, words in remarks if leads]
        return (*found, *self._hints())

    def _hints(self) -> tuple[str, ...]:
        hints = (
            (
                self.arms_swapped,
                "The arm electrodes could be swapped (lead I is upside down beside V6): check "
                "them. Dextrocardia looks alike.",
            ),
            (
                self.chest_reversed,
                "The chest electrodes could be in the wrong order (V1 looks like V6 and V6 like "
                "V1): check them.",
            ),
        )
        return tuple(hint for shown, hint in hints if shown)


def quality(ecg: ECG) -> Quality:
    """Return what is wrong with the first ten seconds as a recording, whatever the heart does."""
    signal = ecg.between(0, DURATION_S).astype(np.float64)
    # What tells where electrodes are, without hum and slow baseline.
    waves = dict(zip(_JUDGED_BY, _band(signal[_ROWS], ecg.rate, *WAVES_HZ), strict=True))
    arms = _arms_swapped(waves)
    return Quality(
        flat=_where(_is_flat(values, ecg.rate) for values in signal),
        clipped=_where(_are_clipped(signal, ecg.rate)),
        noisy=_where(noise_mv(signal, ecg.rate) > NOISE_MV),
        wander=_where(wander_mv(signal, ecg.rate) > WANDER_MV),
        arms_swapped=arms,
        # Swapped arms swap aVR and aVL too, by which the chest leads are judged; and a V6 that is
        # a V1 points away from lead I as well.
        chest_reversed=not arms and _chest_reversed(waves),
    )


def noise_mv(signal: np.ndarray, rate: float) -> np.ndarray:
    """Typical size of what is fast in leads (12, n), between the QRS complexes: (12,) mV.

    The median does not see the QRS complexes, as they fill less than half of the time; 1.48 turns
    it into the standard deviation of Gaussian noise.
    """
    low, high = NOISE_HZ
    fast = _band(signal, rate, low, min(high, 0.48 * rate))
    return 1.4826 * median(np.abs(fast), axis=1)


def wander_mv(signal: np.ndarray, rate: float) -> np.ndarray:
    """Range of what is slower than 0.5 Hz in leads (12, n): (12,) mV."""
    return np.ptp(butterworth(2, WANDER_HZ, "lowpass", rate)(signal), axis=1)


def arms_agreement(waves: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Correlation of lead I with V6: in all, and of P and T alone.

    Right axis deviation turns the QRS of lead I over, swapped arms turn P and T over as well.
    """
    one, six = waves["I"], waves["V6"]
    steep = np.abs(np.gradient(one)) + np.abs(np.gradient(six))
    quiet = steep < np.quantile(steep, QUIET)
    return _correlation(one, six), _correlation(one[quiet], six[quiet])


def chest_agreement(waves: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Correlation of V1 and of V6 with -aVR, which looks from the heart's left side as V6 does."""
    avr, first, last = waves["aVR"], waves["V1"], waves["V6"]
    return _correlation(first, -avr), _correlation(last, -avr)


def _arms_swapped(waves: Mapping[str, np.ndarray]) -> bool:
    every, quiet = arms_agreement(waves)
    return every < ARMS_ALL and quiet < ARMS_QUIET and _points_down(waves["I"])


def _points_down(lead: np.ndarray) -> bool:
    """Whether a lead's large deflections are negative: it is skewed that way."""
    return bool(np.mean(lead**3) < 0)


def _chest_reversed(waves: Mapping[str, np.ndarray]) -> bool:
    first, last = chest_agreement(waves)
    return first > CHEST_FIRST and last < CHEST_LAST


def _is_flat(values: np.ndarray, rate: float) -> bool:
    longest = _runs(np.abs(np.diff(values)) <= FLAT_MV).max(initial=0)
    return bool(np.ptp(values) > 0 and longest >= FLAT_S * rate)


def _are_clipped(signal: np.ndarray, rate: float) -> np.ndarray:
    """Whether leads (12, n) stay at their largest or smallest value again and again: (12,)."""
    clipped = np.zeros(len(signal), bool)
    middle, long_enough = median(signal, axis=1), max(RAIL_S * rate, RAIL_SAMPLES)
    for rails in (signal.max(axis=1), signal.min(axis=1)):
        held = signal == rails[:, None]
        # Seldom is a lead so often at its rail that the runs need to be counted.
        often = held.sum(axis=1) >= RAIL_RUNS * long_enough
        for lead in np.flatnonzero(often & (np.abs(rails - middle) >= RAIL_MV)):
            clipped[lead] |= (_runs(held[lead]) >= long_enough).sum() >= RAIL_RUNS
    return clipped


def _runs(held: np.ndarray) -> np.ndarray:
    """Return how long each run of true values is."""
    edges = np.flatnonzero(np.diff(held, prepend=False, append=False))
    return edges[1::2] - edges[::2]


def _band(signal: np.ndarray, rate: float, low: float, high: float) -> np.ndarray:
    return butterworth(2, (low, min(high, 0.48 * rate)), "bandpass", rate)(signal)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    spread = np.std(a) * np.std(b)
    return float(np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 0 else 0.0


def _where(found: Iterable[bool] | np.ndarray) -> tuple[str, ...]:
    return tuple(lead for lead, is_so in zip(LEADS, found, strict=True) if is_so)


def _listed(leads: Sequence[str]) -> str:
    return "all leads" if len(leads) == len(LEADS) else ", ".join(leads)
