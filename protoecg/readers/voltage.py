"""How the numbers of a file become millivolts: by its own units, or the one that was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from protoecg.ecg import LEADS
from protoecg.readers.given import Given, IncompleteFileError
from protoecg.readers.guesses import COUNT, VOLTS, guessed_unit, is_plausible
from protoecg.readers.units import counts_in_millivolts, in_brackets, millivolts

# The unit of a file that has a place for one and leaves it empty.
LEFT_EMPTY = " "
# Of a file that has no place for a unit.
NO_UNIT = ""

# Name, values and unit of a lead.
Lead = tuple[str, np.ndarray, str | None]


@dataclass(frozen=True)
class Scale:
    """How values become millivolts.

    Parameters
    ----------
    unknown : millivolts of one, where the file says no unit of voltage
    instead : millivolts of one, whatever the file says
    notes : what was assumed, one sentence each
    asks : the unit that a person should confirm or correct; "" where there is no doubt
    """

    unknown: float = 1.0
    instead: float | None = None
    notes: tuple[str, ...] = ()
    asks: str = ""

    def in_millivolts(self, values: np.ndarray, unit: str | None) -> np.ndarray:
        """Return values of a channel of that unit in mV."""
        factor = self.instead or millivolts(unit or "") or self.unknown
        # What overflows is infinite, and refused as missing.
        with np.errstate(over="ignore", invalid="ignore"):
            return values if factor == 1.0 else values * factor

    def _is_plausible(self, leads: Sequence[Lead]) -> bool:
        return is_plausible([self.in_millivolts(values, unit) for _, values, unit in leads])


def scale_of(leads: Sequence[Lead], given: str, asks: Given, source: str) -> Scale:
    """Return the scale of a file's leads.

    What was given counts where the file says no unit of voltage, or one by which its leads would
    be as high as no ECG is.

    Raises
    ------
    IncompleteFileError
        If the leads are counts, and neither the file nor a person says how large one is.
    """
    unknown = [(name, unit) for name, _, unit in leads if millivolts(unit or "") is None]
    if given:
        return _by_person(leads, given, bool(unknown))
    if counted := [name for name, unit in unknown if unit is None]:
        raise IncompleteFileError(
            f"{source} gives no voltage for the numbers of {_named(counted)}. Say what one of "
            "them is (--unit '4.88 uV'), or export the ECG with calibrated leads.",
            replace(asks, unit=_guess(leads) or COUNT),
        )
    scale = Scale(notes=_assumed(unknown))
    unknown_units = [unit for _, unit in unknown if unit != NO_UNIT]
    if scale._is_plausible(leads):
        return replace(scale, asks="mV" if unknown_units else "")
    return replace(scale, asks=_guess(leads))


def _guess(leads: Sequence[Lead]) -> str:
    """Return the unit by which leads are as high as ECGs are, or "" where there is none."""
    # Who stores a voltage stores no counts.
    units = VOLTS if all(millivolts(unit or "") for _, _, unit in leads) else (*VOLTS, COUNT)
    return guessed_unit([values for _, values, _ in leads], units)


def _by_person(leads: Sequence[Lead], given: str, is_unknown: bool) -> Scale:
    factor = counts_in_millivolts(given) or 1.0
    used = f"Read in {given}, as it was given"
    if is_unknown:
        return Scale(unknown=factor, notes=(f"{used}: the file says no unit.",))
    if not Scale()._is_plausible(leads):
        return Scale(instead=factor, notes=(f"{used}, and not in the unit that the file says.",))
    if {millivolts(unit or "") for _, _, unit in leads} == {factor}:
        return Scale()
    return Scale(notes=("The file itself says its unit; the one that was given was not used.",))


def _assumed(unknown: Sequence[tuple[str, str | None]]) -> tuple[str, ...]:
    """Say of which leads millivolts are assumed, though a unit should stand there."""
    empty = [name for name, unit in unknown if unit == LEFT_EMPTY]
    texts = dict.fromkeys(unit for _, unit in unknown if unit and unit != LEFT_EMPTY)
    notes = [
        f"The unit of {_named([n for n, u in unknown if u == text])}{in_brackets(text)} is "
        "unknown: millivolts are assumed (--unit)."
        for text in texts
    ]
    if empty:
        of = "its leads" if len(empty) == len(LEADS) else ", ".join(empty)
        notes.append(f"The file gives no unit for {of}: millivolts are assumed (--unit).")
    return tuple(notes)


def _named(names: Sequence[str]) -> str:
    if len(names) == len(LEADS):
        return "all leads"
    return f"lead{'s' if len(names) > 1 else ''} {', '.join(names)}"
