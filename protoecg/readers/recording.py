"""What a file holds: twelve leads of any length, out of which an ECG is cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from protoecg.ecg import DURATION_S, ECG, ECGError, refuse_rate_and_length
from protoecg.readers.given import NOTHING, Given
from protoecg.taken import UNKNOWN, Taken

FEWEST_ALIKE = 8
SHORTEST_PULSE_S = 0.2
LOWEST_PULSE_MV = 0.3
_SAMPLED = ("sample", "samp", "sampling")
# What files call the sampling rate, in lower case and without separators, accents and "Hz".
_RATE_NAMES = {
    *("", "fs", "sr", "rate", "freq", "sfreq", "frequency", "samplespersecond"),
    *(f"{when}{what}" for when in _SAMPLED for what in ("rate", "freq", "frequency")),
    *("abtastrate", "abtastfrequenz", "frecuenciademuestreo", "frecuencia"),
    *("frequencedechantillonnage", "frequenzadicampionamento", "frequenciadeamostragem"),
}


@dataclass(frozen=True, eq=False)
class Recording:
    """A 12-lead recording of ten seconds or more; samples may be missing (NaN) somewhere.

    Parameters
    ----------
    signal : (12, n) float32, mV, leads in the order of `LEADS`
    rate : sampling rate in Hz
    source : where it came from, to be shown to people
    notes : what a reader of the tracing should know, one sentence each
    others : leads beside the twelve, as of `ECG`
    asks : what was assumed and a person should confirm or correct, as it is guessed
    taken : when it begins, and of whom it is, as far as the file says

    Raises
    ------
    ECGError
        If the rate is absurd or the recording is shorter than ten seconds.
    """

    signal: np.ndarray
    rate: float
    source: str = ""
    notes: tuple[str, ...] = ()
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    asks: Given = NOTHING
    taken: Taken = UNKNOWN

    def __post_init__(self) -> None:
        refuse_rate_and_length(self.signal.shape[1], self.rate)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.rate

    @property
    def nbytes(self) -> int:
        """Bytes of all its samples."""
        return self.signal.nbytes + sum(values.nbytes for values in self.others.values())

    @property
    def latest_start(self) -> float:
        """Second at which the last whole ten seconds begin."""
        return max(self.duration - DURATION_S, 0.0)

    @property
    def is_long(self) -> bool:
        """Whether it is so much longer than ten seconds that there is a choice."""
        return self.latest_start > 0.1

    def ecg(self, start: float = 0.0) -> ECG:
        """Return the ten seconds that begin at `start` seconds.

        Raises
        ------
        ECGError
            If they are not all in the recording, or are no readable ECG.
        """
        if not 0 <= start <= self.latest_start + 1 / self.rate:
            raise ECGError(
                f"The recording lasts {self.duration:.1f} s, so ten seconds cannot begin at "
                f"{start:g} s. Choose a start from 0 to {self.latest_start:.1f} s."
            )
        first, samples = round(start * self.rate), round(DURATION_S * self.rate)
        part = slice(first, first + samples)
        notes = (*self.notes, *self._cut_note(start))
        others = {name: values[part] for name, values in self.others.items()}
        taken = self.taken.after(start)
        return ECG(self.signal[:, part], self.rate, self.source, notes, others, taken)

    def _cut_note(self, start: float) -> tuple[str, ...]:
        if not self.is_long:
            return ()
        return (
            f"Seconds {start:g} to {start + DURATION_S:g} of a recording of {self.duration:.0f} s.",
        )


def without_calibration(
    signal: np.ndarray | Sequence[np.ndarray], rate: float
) -> tuple[np.ndarray | Sequence[np.ndarray], tuple[str, ...]]:
    """Leave out a calibration pulse that a device recorded behind the ECG, as it is none.

    It is known by being the same in all leads, which no ECG is.

    Parameters
    ----------
    signal : (k, n), mV

    Returns
    -------
    (k, m), and a note where something was left out
    """
    lengths = {len(lead) for lead in signal}
    if len(signal) < FEWEST_ALIKE or len(lengths) != 1 or not 0 < rate < np.inf:
        return signal, ()
    differs = np.zeros(lengths.pop(), dtype=bool)
    for lead in signal[1:]:
        differs |= np.asarray(lead) != signal[0]
    if not differs.any():
        return signal, ()
    end = int(np.flatnonzero(differs)[-1]) + 1
    tail = np.asarray(signal[0])[end:]
    if len(tail) < SHORTEST_PULSE_S * rate or np.ptp(tail) < LOWEST_PULSE_MV:
        return signal, ()
    # All leads may rest at zero before the pulse; ECGs last whole seconds.
    whole = round(np.ceil(end / rate) * rate)
    if whole < end + np.argmax(tail != tail[0]):
        end = whole
    note = f"A calibration pulse of {(len(differs) - end) / rate:.1f} s behind the ECG is left out."
    return [lead[:end] for lead in signal], (note,)


def without_accents(text: str) -> str:
    """Return a text in lower case, its letters without accents and nothing between them."""
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in apart if letter.isalnum())


def names_rate(name: str) -> bool:
    """Whether that is what files call the sampling rate, such as "fs" or "Sampling rate (Hz)"."""
    plain = without_accents(name)
    return bool(plain) and plain.removesuffix("hz").removesuffix("in") in _RATE_NAMES


def rate_note(given: float | None, own: float) -> tuple[str, ...]:
    """Say so where another sampling rate was given than the file itself says."""
    if given is None or abs(given - own) <= 0.01 * own:
        return ()
    return (f"The file itself says {own:g} Hz; the given {given:g} Hz were not used.",)
