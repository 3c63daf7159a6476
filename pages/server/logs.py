"""What the log must not hold: ids of people's sessions, and what would steer a terminal."""

from __future__ import annotations

import logging
import re

HIDDEN = "(id hidden)"
# All but the tab and the line's end.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


def keep_clean() -> None:
    """Take both out of whatever is logged from now on, by whichever logger."""
    make = logging.getLogRecordFactory()

    def make_clean(*args: object, **more: object) -> logging.LogRecord:
        record = make(*args, **more)
        message = record.getMessage()
        if (clean := _STEERING.sub("?", _ID.sub(HIDDEN, message))) != message:
            record.msg, record.args = clean, None
        return record

    logging.setLogRecordFactory(make_clean)
