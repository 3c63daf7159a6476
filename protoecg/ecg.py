"""The ECG that every other room works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
DURATION_S = 10.0
RATE_HZ = (50.0, 10_000.0)
MAX_MV = 20.0


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
        notices (flat leads) is added

    Raises
    ------
    ECGError
        If there are not twelve leads, samples are missing, a signal is beyond 20 mV, every
        lead is flat, the rate is absurd, or the recording is shorter than ten seconds.
    """

    signal: np.ndarray
    rate: float
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        signal = np.ascontiguousarray(self.signal, dtype=np.float32)
        signal.setflags(write=False)
        object.__setattr__(self, "signal", signal)
        object.__setattr__(self, "rate", float(self.rate))
        _refuse_wrong_shape(signal)
        _refuse_rate_and_length(signal.shape[1], self.rate)
        _refuse_missing_samples(signal, self.rate)
        _refuse_absurd_amplitude(signal)
        object.__setattr__(self, "notes", (*self.notes, *_flat_leads(signal)))

    @classmethod
    def from_leads(
        cls,
        signal: np.ndarray,
        names: Sequence[str],
        rate: float,
        source: str = "",
        notes: tuple[str, ...] = (),
    ) -> ECG:
        """Order named leads (any usual spelling) into an ECG; other channels are left out.

        Parameters
        ----------
        signal : (len(names), n), mV
        names : the channels' names as the file spells them

        Raises
        ------
        ECGError
            If one of the twelve leads is missing or stands in the recording twice.
        """
        return cls(np.asarray(signal)[_order_of_leads(names)], rate, source, notes)

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.rate

    def between(self, start_s: float, end_s: float) -> np.ndarray:
        """Samples from `start_s` to `end_s` seconds: (12, m) float32, mV."""
        start, end = round(start_s * self.rate), round(end_s * self.rate)
        return self.signal[:, max(start, 0) : end]


def lead_named(name: str) -> str | None:
    """Return the lead that a channel name means (`"Lead II"`, `"avr"`, `"MLII"`), or None."""
    key = name.strip().upper().replace(" ", "").replace("_", "").replace("-", "")
    for prefix in ("LEAD", "ECG", "MDCECGLEAD", "ML"):
        key = key.removeprefix(prefix)
    key = {"1": "I", "2": "II", "3": "III"}.get(key, key)
    return {lead.upper(): lead for lead in LEADS}.get(key)


def _order_of_leads(names: Sequence[str]) -> list[int]:
    found: dict[str, list[int]] = {lead: [] for lead in LEADS}
    for index, name in enumerate(names):
        if (lead := lead_named(name)) is not None:
            found[lead].append(index)
    if missing := [lead for lead in LEADS if not found[lead]]:
        raise ECGError(
            f"Missing {_leads(missing)}: the file has the channels {', '.join(names) or 'none'}. "
            "All twelve standard leads are needed; export the full 12-lead ECG."
        )
    if twice := [lead for lead in LEADS if len(found[lead]) > 1]:
        raise ECGError(
            f"More than one channel is named as {_leads(twice)}. Each of the twelve leads is "
            "needed once; remove or rename the extra channels."
        )
    return [found[lead][0] for lead in LEADS]


def _refuse_wrong_shape(signal: np.ndarray) -> None:
    if signal.ndim != 2 or signal.shape[0] != len(LEADS):
        raise ECGError(
            f"Found an array of shape {signal.shape}, expected (12, samples): the twelve standard "
            "leads in the order I, II, III, aVR, aVL, aVF, V1 to V6."
        )


def _refuse_rate_and_length(samples: int, rate: float) -> None:
    low, high = RATE_HZ
    if not low <= rate <= high:
        raise ECGError(
            f"The sampling rate is {rate:g} Hz, expected {low:g} to {high:g} Hz. Check the rate "
            "that was given with the file."
        )
    # Devices that store ten seconds often drop the last sample.
    if samples < DURATION_S * rate - 2:
        raise ECGError(
            f"The recording lasts {samples / rate:.1f} s, at least {DURATION_S:g} s are needed. "
            "Export the whole ten-second ECG."
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
            "can show. The file probably holds microvolts or raw counts; give the unit."
        )


def _flat_leads(signal: np.ndarray) -> tuple[str, ...]:
    flat = [lead for lead, values in zip(LEADS, signal, strict=True) if np.ptp(values) == 0]
    if len(flat) == len(LEADS):
        raise ECGError("All twelve leads are flat: there is no ECG in this file.")
    if not flat:
        return ()
    return (f"No signal in {_leads(flat)}: findings that rest on it cannot be trusted.",)


def _leads(leads: Sequence[str]) -> str:
    return f"lead{'s' if len(leads) > 1 else ''} {', '.join(leads)}"
