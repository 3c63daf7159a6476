"""What the log must not hold: the ids of people's sessions."""

from __future__ import annotations

import logging
import re

HIDDEN = "(id hidden)"
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


def hide_ids() -> None:
    """Take the ids of sessions out of whatever is logged from now on, by whichever logger."""
    make = logging.getLogRecordFactory()

    def make_without_ids(*args: object, **more: object) -> logging.LogRecord:
        record = make(*args, **more)
        if _ID.search(said := record.getMessage()):
            record.msg, record.args = _ID.sub(HIDDEN, said), None
        return record

    logging.setLogRecordFactory(make_without_ids)
