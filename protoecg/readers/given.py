"""What a person states of a file that lacks it: rate, unit, order of the leads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from protoecg.ecg import ECGError
from protoecg.leads.names import LEADS, has_all_leads
from protoecg.readers.units import counts_in_millivolts

MAX_LEADS = 256
# What stands for a channel that is no lead.
NO_LEAD = "-"


class ReadOptions(TypedDict, total=False):
    """What may be given with the files of a recording; only what they lack is used.

    Parameters
    ----------
    rate : sampling rate in Hz
    unit : of the samples, such as "uV", or what one count is, such as "4.88 uV"
    leads : what each channel is, in the order of the file, such as "I,II,V1,V2,V3,V4,V5,V6";
        `-` for a channel that is none
    exam : which ECG of a file that holds several, by its `exam_id` or its number from 1
    """

    rate: float | None
    unit: str | None
    leads: Sequence[str] | str | None
    exam: str | None


@dataclass(frozen=True)
class Given:
    """What a person states of a file; empty where nothing is given. Parameters as of `ReadOptions`.

    Raises
    ------
    ECGError
        If the unit is no voltage, the leads are not all there, or the exam is no number.
    """

    rate: float | None = None
    unit: str = ""
    leads: tuple[str, ...] = ()
    exam: str = ""

    def __post_init__(self) -> None:
        if self.unit and counts_in_millivolts(self.unit) is None:
            raise ECGError(
                "The unit that was given is no voltage. Give mV, uV, V or nV, or what one count of "
                "the file is, such as '4.88 uV'."
            )
        if not re.fullmatch(r"[\w.-]{,20}", self.exam):
            raise ECGError("The exam that was given is no exam_id, nor a number from 1.")
        if self.leads and not (len(self.leads) <= MAX_LEADS and has_all_leads(self.leads)):
            raise ECGError(
                "The leads that were given are not all twelve, nor I, II and V1 to V6. Give the "
                f"lead of each channel in the file's order, {NO_LEAD} for a channel that is none, "
                f"such as {','.join(LEADS)}."
            )

    @classmethod
    def of(
        cls,
        rate: float | None = None,
        unit: str | None = None,
        leads: Sequence[str] | str | None = None,
        exam: str | None = None,
    ) -> Given:
        """Return what was given; leads also as one text, with commas or blanks between them."""
        names = re.split(r"[,;\s]+", leads.strip(" ,;")) if isinstance(leads, str) else leads
        kept = tuple(name for name in names or () if name)
        return cls(rate, (unit or "").strip(), kept, (exam or "").strip())

    @property
    def options(self) -> ReadOptions:
        """The same, to be handed on by its parts."""
        return ReadOptions(rate=self.rate, unit=self.unit, leads=self.leads, exam=self.exam)

    def __bool__(self) -> bool:
        return self != NOTHING


NOTHING = Given()


class IncompleteFileError(ECGError):
    """A file that lacks what a person can state.

    Parameters
    ----------
    asks : what is lacking, as it is guessed
    """

    def __init__(self, message: str, asks: Given) -> None:
        super().__init__(message)
        self.asks = asks
