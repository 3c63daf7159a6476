"""An ECG in mV: its twelve leads found by name, computed where files lack them, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from protoecg.leads.limb import limb_leads_at_odds
from protoecg.leads.names import DERIVABLE, LEADS, is_iec, lead_named, not_understood
from protoecg.taken import UNKNOWN, Taken

DURATION_S = 10.0
RATE_HZ = (50.0, 10_000.0)
ODD_MV = 12.0
MAX_MV = 40.0
# Peak to peak, of the largest lead and of the median lead. Of 4,901 ECGs of PTB-XL none lies beyond
# either; a tenth of their size is below the one in 96 %, ten times it is above the other in 99 %.
LOW_MV, HIGH_MV = 0.5, 6.0
# Channels that are named in an error.
MOST_NAMED = 12

# What I and II make of the other limb leads (Einthoven, Goldberger).
_RULES = ((-1.0, 1.0), (-0.5, -0.5), (1.0, -0.5), (-0.5, 1.0))
_FROM_I_AND_II = dict(zip(DERIVABLE, _RULES, strict=True))


class ECGError(ValueError):
    """A recording that cannot be read as a 12-lead ECG; the message is meant for clinicians."""


@dataclass(frozen=True, eq=False)
class ECG:
    """A 12-lead ECG of at least ten seconds.

    Parameters
    ----------
    signal : (12, n) float32, mV, leads in the order of `LEADS`
    rate : sampling rate in Hz
    source : where it came from, to be shown to people: a file name or a record
    notes : what a reader of the tracing should know, one sentence each; what `ECG` itself
        notices (flat leads, an odd amplitude, limb leads at odds with each other) is added
    others : leads beside the twelve by their names in `OTHER_LEADS`, each (n,) float32, mV; they
        are drawn, and nothing else
    taken : when, and of whom, as far as its file says; shown only where a person asks for it

    Raises
    ------
    ECGError
        If there are not twelve leads, samples are missing, a signal is beyond 40 mV, every
        lead is flat, the rate is absurd, or the recording is shorter than ten seconds.
    """

    signal: np.ndarray
    rate: float
    source: str = ""
    notes: tuple[str, ...] = ()
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    taken: Taken = UNKNOWN

    def __post_init__(self) -> None:
        # A copy, so that nobody else holds the samples; what overflows is refused as infinite.
        with np.errstate(over="ignore"):
            signal = np.array(self.signal, dtype=np.float32, order="C")
        signal.setflags(write=False)
        object.__setattr__(self, "signal", signal)
        object.__setattr__(self, "rate", float(self.rate))
        _refuse_wrong_shape(signal)
        refuse_rate_and_length(signal.shape[1], self.rate)
        _refuse_missing_samples(signal, self.rate)
        _refuse_absurd_amplitude(signal)
        found = (*_flat_leads(signal), *_odd_amplitude(signal), *limb_leads_at_odds(signal))
        object.__setattr__(self, "notes", (*self.notes, *found))

    @classmethod
    def from_leads(
        cls,
        signal: np.ndarray,
        names: Sequence[str],
        rate: float,
        source: str = "",
        notes: tuple[str, ...] = (),
    ) -> ECG:
        """Order named leads (any usual spelling) into an ECG; see `twelve_leads`."""
        ordered, derived = twelve_leads(signal, names)
        return cls(ordered, rate, source, (*notes, *derived))

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.rate

    @property
    def limb_leads_contradict(self) -> bool:
        """Whether the limb leads are at odds with Einthoven and Goldberger, beyond any noise."""
        return bool(limb_leads_at_odds(self.signal))

    def between(self, start_s: float, end_s: float) -> np.ndarray:
        """Return the samples from `start_s` to `end_s` seconds: (12, m) float32, mV."""
        return self.signal[:, self.samples(start_s, end_s)]

    def samples(self, start_s: float, end_s: float) -> slice:
        """Return which samples lie from `start_s` to `end_s` seconds."""
        start, end = round(start_s * self.rate), round(end_s * self.rate)
        return slice(max(start, 0), max(end, 0))


def twelve_leads(
    signal: np.ndarray | Sequence[np.ndarray], names: Sequence[str]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Put named channels into the order of `LEADS`; other channels are left out.

    Where a file stores I and II but not all other limb leads, these are computed.

    Parameters
    ----------
    signal : (len(names), n), mV
    names : the channels' names as the file spells them

    Returns
    -------
    (12, n) float32 in mV, and a note on leads that were computed

    Raises
    ------
    ECGError
        If one of the twelve leads is missing or stands in the recording twice.
    """
    found = _channels_of_leads(names)
    rows = {lead: signal[index] for lead, index in found.items()}
    ordered = np.empty((len(LEADS), len(rows["I"])), dtype=np.float32)
    # What overflows is infinite, and refused as missing.
    with np.errstate(over="ignore", invalid="ignore"):
        for row, lead in zip(ordered, LEADS, strict=True):
            if lead in rows:
                row[:] = rows[lead]
            else:
                of_i, of_ii = _FROM_I_AND_II[lead]
                row[:] = of_i * rows["I"] + of_ii * rows["II"]
    if not (computed := [lead for lead in LEADS if lead not in rows]):
        return ordered, ()
    return ordered, (f"Computed from I and II, not stored in the file: {', '.join(computed)}.",)


def _channels_of_leads(names: Sequence[str]) -> dict[str, int]:
    """Return the channel of each stored lead, once I, II and V1 to V6 are known to be there."""
    found: dict[str, list[int]] = {lead: [] for lead in LEADS}
    for index, name in enumerate(names):
        if (lead := lead_named(name)) is not None:
            found[lead].append(index)
    # C3 and C4 are also places of an EEG: beside V3 and V4 they are no leads.
    for lead, indices in found.items():
        spelt = [index for index in indices if not is_iec(names[index])]
        found[lead] = spelt or indices
    derivable = _FROM_I_AND_II if found["I"] and found["II"] else ()
    if missing := [lead for lead in LEADS if not found[lead] and lead not in derivable]:
        raise ECGError(
            f"Missing {_leads(missing)}: {_channels(names)}. All twelve standard leads are needed "
            "(or I, II and V1 to V6); export the full 12-lead ECG."
        )
    if twice := [lead for lead in LEADS if len(found[lead]) > 1]:
        raise ECGError(
            f"More than one channel is named as {_leads(twice)}. Each of the twelve leads is "
            "needed once; remove or rename the extra channels."
        )
    return {lead: indices[0] for lead, indices in found.items() if indices}


def _channels(names: Sequence[str]) -> str:
    known = [lead for lead in LEADS if lead in map(lead_named, names)]
    unknown = not_understood(names)
    others = f", not understood: {', '.join(unknown[:MOST_NAMED])}" if unknown else ""
    more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
    return f"the file has {_leads(known) if known else 'none of the twelve'}{others}{more}"


def _refuse_wrong_shape(signal: np.ndarray) -> None:
    if signal.ndim != 2 or signal.shape[0] != len(LEADS):
        raise ECGError(
            f"Found an array of shape {signal.shape}, expected (12, samples): the twelve standard "
            "leads in the order I, II, III, aVR, aVL, aVF, V1 to V6."
        )


def refuse_rate_and_length(samples: int, rate: float) -> None:
    """Raise ECGError if the rate in Hz is absurd or the recording shorter than ten seconds."""
    low, high = RATE_HZ
    if not low <= rate <= high:
        raise ECGError(
            f"The sampling rate is {rate:g} Hz, expected {low:g} to {high:g} Hz. Check the rate "
            "that was given with the file."
        )
    # Devices that store ten seconds often drop the last sample.
    if samples < DURATION_S * rate - 2:
        raise ECGError(
            f"The recording lasts {samples / rate:.1f} s at {rate:g} Hz, at least {DURATION_S:g} s "
            "are needed. Check the rate, or export the whole ten-second ECG."
        )


def _refuse_missing_samples(signal: np.ndarray, rate: float) -> None:
    bad = ~np.isfinite(signal)
    if bad.any():
        lead = int(np.argmax(bad.any(axis=1)))
        start = int(np.argmax(bad[lead])) / rate
        raise ECGError(
            f"Samples are missing in {_leads([LEADS[i] for i in np.flatnonzero(bad.any(axis=1))])} "
            f"(first in {LEADS[lead]} at {start:.2f} s). Export the ECG again without gaps."
        )


def _refuse_absurd_amplitude(signal: np.ndarray) -> None:
    peaks = np.abs(signal).max(axis=1)
    if peaks.max() > MAX_MV:
        lead = LEADS[int(peaks.argmax())]
        raise ECGError(
            f"Lead {lead} reaches {peaks.max():,.0f} mV, more than the {MAX_MV:g} mV that an ECG "
            "can show. The file probably holds microvolts or raw counts; give the unit (--unit uV)."
        )


def _odd_amplitude(signal: np.ndarray) -> tuple[str, ...]:
    # None of 2,183 ECGs of PTB-XL (fold 9) goes so far; elsewhere it holds artefacts up to 33 mV.
    odd = [
        lead for lead, peak in zip(LEADS, np.abs(signal).max(axis=1), strict=True) if peak > ODD_MV
    ]
    if odd:
        return (
            f"More than {ODD_MV:g} mV in {_leads(odd)}: an artefact, or a wrong unit in the file.",
        )
    heights = np.ptp(signal, axis=1)
    if heights.max() < LOW_MV:
        return (
            f"No lead is higher than {heights.max():.2g} mV, much lower than ECGs are: the file "
            "may hold volts, or another unit than it says (--unit).",
        )
    if np.median(heights) > HIGH_MV:
        return (
            f"Half of the leads are higher than {np.median(heights):.0f} mV, much higher than ECGs "
            "are: the file may hold another unit or gain than it says (--unit).",
        )
    return ()


def _flat_leads(signal: np.ndarray) -> tuple[str, ...]:
    flat = [lead for lead, values in zip(LEADS, signal, strict=True) if np.ptp(values) == 0]
    if len(flat) == len(LEADS):
        raise ECGError("All twelve leads are flat: there is no ECG in this file.")
    if not flat:
        return ()
    return (f"No signal in {_leads(flat)}: findings that rest on it cannot be trusted.",)


def _leads(leads: Sequence[str]) -> str:
    return f"lead{'s' if len(leads) > 1 else ''} {', '.join(leads)}"
