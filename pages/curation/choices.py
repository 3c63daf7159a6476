"""What was chosen by eye of a bundle's prototypes: kept on disk, so that no reload loses it.

All who curate a bundle on this server see and change the same choices.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pages.curation.desks import work
from protoecg.bundle import Bundle
from protoecg.prototypes.curation import CurationError
from protoecg.storage.files import write_json

BEST, KEEP, NONE = "the best candidate", "stays", "nothing takes its place"
_CHOICES = TypeAdapter(dict[str, str])


def decided(bundle: Bundle) -> dict[str, str]:
    """Return what was decided, by name of a prototype: a window's record and start, or words.

    Raises
    ------
    CurationError
        If the file that keeps it cannot be read, or holds something else.
    """
    file = _file(bundle)
    try:
        return _CHOICES.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CurationError(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        raise CurationError(f"{file} holds no choices. Delete it, and choose anew.") from error


def decide(bundle: Bundle, name: str, choice: str) -> None:
    """Keep what was decided of a prototype.

    Raises
    ------
    OSError
        If it cannot be written; then what was decided before stands.
    """
    write_json(_file(bundle), {**decided(bundle), name: choice})


def _file(bundle: Bundle) -> Path:
    return work() / f"chosen-{bundle.revision}.json"
