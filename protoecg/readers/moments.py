"""Days and times of day as files write them."""

from __future__ import annotations

import re
from datetime import date, time

# Year, month and day, perhaps a time; parts of a second and a zone behind it are left out.
_IN_DIGITS = re.compile(r"(\d{4})\D?(\d\d)\D?(\d\d)(?:\D?(\d\d):?(\d\d):?(\d\d)?)?", re.ASCII)


def moment_in_digits(written: str) -> tuple[date | None, time | None]:
    """Return day and time of day written as in DICOM, HL7 or ISO 8601, such as 20210303104200."""
    found = _IN_DIGITS.match(written.strip())
    return moment(*found.groups("")) if found else (None, None)


def moment(
    year: str, month: str, day: str, hour: str = "", minute: str = "", second: str = ""
) -> tuple[date | None, time | None]:
    """Return a day and a time of day by their parts; None of what there is not."""
    try:
        on = date(int(year), int(month), int(day))
    except ValueError:
        return None, None
    try:
        return on, time(int(hour), int(minute), int(second or 0))
    except ValueError:
        return on, None
