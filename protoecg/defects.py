"""What nobody has foreseen: a number for the person, and for the log where it happened."""

from __future__ import annotations

import logging
import secrets
import traceback
from pathlib import PurePath

_FRAMES = 8

_log = logging.getLogger(__name__)


def report(error: BaseException, doing: str) -> str:
    """Log where an unforeseen error arose, and return the number that the log has it under.

    What the error says is left out, as it may quote a file, and so who the patient is; of the
    places in the code only the last are kept, without the folders that they lie in.

    Parameters
    ----------
    doing : what was being done, such as "reading a DICOM file"
    """
    number = secrets.token_hex(4).upper()
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = " > ".join(f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in frames)
    _log.error("%s: %s at %s, while %s", number, type(error).__name__, places or "?", doing)
    return number
