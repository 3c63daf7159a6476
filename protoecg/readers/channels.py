"""The channels of a file to twelve leads in millivolts, by what it says and what a person says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from protoecg.ecg import LEADS, MAX_MV, ECGError, twelve_leads
from protoecg.leads.names import has_all_leads, lead_named, other_lead_named
from protoecg.readers.given import NO_LEAD, NOTHING, Given, IncompleteFileError
from protoecg.readers.guesses import guessed_leads, guessed_rate
from protoecg.readers.recording import Recording, rate_note, without_calibration
from protoecg.readers.voltage import Scale, scale_of
from protoecg.taken import UNKNOWN, Taken

ORDER_NOTE = (
    "The file names no leads: the order I, II, III, aVR, aVL, aVF, V1 to V6 is assumed (--leads)."
)
OWN_LEADS_NOTE = "The file itself names its leads; the order that was given was not used."


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel, as a file holds it.

    Parameters
    ----------
    name : as the file spells it; "" where it says none
    values : (n,), in the unit; missing samples are NaN
    rate : Hz, or None where the file does not say it
    unit : as the file spells it, `LEFT_EMPTY` where it should say one and doesn't, None where the
        values are counts and nobody knows how large one is
    notes : what was assumed of it, one sentence each
    """

    name: str
    values: np.ndarray
    rate: float | None = None
    unit: str | None = ""
    notes: tuple[str, ...] = ()


def worth_reading(names: Sequence[str]) -> list[int]:
    """Return which channels a reader should hand on: all leads, and all else where these lack."""
    if not has_all_leads(names):
        return list(range(len(names)))
    return [i for i, name in enumerate(names) if lead_named(name) or other_lead_named(name)]


@dataclass(frozen=True, eq=False)
class Channels:
    """What a file holds; `notes` are of all of it, `taken` is what it says of when and whom."""

    channels: Sequence[Channel]
    source: str
    notes: tuple[str, ...] = ()
    taken: Taken = UNKNOWN

    def recording(self, given: Given) -> Recording:
        """Return the twelve leads, and those beside them that can be drawn.

        Raises
        ------
        IncompleteFileError
            If the file lacks what a person can say.
        ECGError
            If the leads are not all there, or are no readable recording.
        """
        named, asks, by_order = self._named(given)
        leads = [channel for channel in named if lead_named(channel.name)]
        rate = self._rate(leads, given, asks)
        scale = scale_of(
            [(str(lead_named(lead.name)), lead.values, lead.unit) for lead in leads],
            given.unit,
            asks,
            self.source,
        )
        scaled = [scale.in_millivolts(lead.values, lead.unit) for lead in leads]
        rows, by_pulse = without_calibration(scaled, rate)
        signal, computed = twelve_leads(rows, [lead.name for lead in leads])
        others, besides = _others(named, leads[0], signal.shape[1], scale)
        own = dict.fromkeys(note for lead in leads for note in lead.notes)
        by_rate = rate_note(given.rate, rate)
        notes = (*self.notes, *by_rate, *own, *by_order, *scale.notes)
        asks = replace(asks, unit=scale.asks)
        notes_of_all = (*notes, *by_pulse, *computed, *besides)
        return Recording(signal, rate, self.source, notes_of_all, others, asks, self.taken)

    def _named(self, given: Given) -> tuple[Sequence[Channel], Given, tuple[str, ...]]:
        """Return the channels by name, the order to ask for, and what was assumed."""
        names = [channel.name for channel in self.channels]
        if has_all_leads(names):
            return self.channels, NOTHING, (OWN_LEADS_NOTE,) if given.leads else ()
        if given.leads:
            note = f"Leads in the order that was given: {', '.join(given.leads)}."
            return self._in_order(given.leads), NOTHING, (note,)
        guess = guessed_leads(names, [channel.values for channel in self.channels])
        if not any(names) and len(names) == len(LEADS):
            return self._in_order(LEADS), Given(leads=guess), (ORDER_NOTE,)
        if guess:
            raise IncompleteFileError(
                f"{self._lacking(names)} {_say(guess)}", self._all_asks(given, guess)
            )
        if not any(names):
            raise ECGError(f"{self._lacking(names)} Name each of them in the file.")
        # Raises an error that names what is missing.
        twelve_leads([channel.values for channel in self.channels], names)
        return self.channels, NOTHING, ()

    def _in_order(self, leads: Sequence[str]) -> list[Channel]:
        if len(leads) != len(self.channels):
            raise ECGError(
                f"{len(leads)} leads were given, and {self.source} has {len(self.channels)} "
                f"channels. Give each channel's lead in the file's order, {NO_LEAD} for a channel "
                "that is none."
            )
        return [replace(c, name=lead) for c, lead in zip(self.channels, leads, strict=True)]

    def _lacking(self, names: Sequence[str]) -> str:
        if not any(names):
            return f"{self.source} names no leads and has {len(names)} channels."
        try:
            twelve_leads([channel.values for channel in self.channels], names)
        except ECGError as error:
            return str(error)
        raise AssertionError

    def _all_asks(self, given: Given, leads: tuple[str, ...]) -> Given:
        lacks_rate = given.rate is None and all(c.rate is None for c in self.channels)
        rate = guessed_rate(len(self.channels[0].values)) if lacks_rate else None
        return Given(rate=rate, leads=leads)

    def _rate(self, leads: Sequence[Channel], given: Given, asks: Given) -> float:
        if len({(lead.rate, len(lead.values)) for lead in leads}) > 1:
            raise ECGError(
                f"The leads of {self.source} differ in length or sampling rate; export them all at "
                "one."
            )
        rate = leads[0].rate if leads[0].rate is not None else given.rate
        if rate is None:
            guess = guessed_rate(len(leads[0].values))
            raise IncompleteFileError(
                f"{self.source} does not say its sampling rate. Give the rate in Hz, such as 500 "
                "(--rate 500).",
                replace(asks, rate=guess),
            )
        return rate


def _say(guess: Sequence[str]) -> str:
    return f"If you know the order of its leads, give it, such as --leads {','.join(guess)}."


def _others(
    channels: Sequence[Channel], like: Channel, samples: int, scale: Scale
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return the leads beside the twelve that were recorded with them, and a note on them."""
    named = {name: c for c in channels if (name := other_lead_named(c.name))}
    scaled = {
        name: scale.in_millivolts(c.values, c.unit)[:samples].astype(np.float32)
        for name, c in named.items()
        if (c.rate, len(c.values)) == (like.rate, len(like.values))
    }
    drawn = {n: values for n, values in scaled.items() if np.abs(values).max() <= MAX_MV}
    left = [name for name in named if name not in drawn]
    notes = (
        f"Beside the twelve the file has {', '.join(drawn)}: drawn below them, not read by the "
        "model.",
        f"Beside the twelve the file has {', '.join(left)}: not drawn, as samples are missing or "
        "it was recorded in another way.",
    )
    return drawn, tuple(n for n, names in zip(notes, (drawn, left), strict=True) if names)
