"""What a batch keeps of each recording: a row of text and probabilities, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from protoecg import defects
from protoecg.batch.sources import Contents, Files, contents
from protoecg.bundle import Bundle
from protoecg.ecg import ECG, ECGError
from protoecg.explanation import Explanation
from protoecg.isolation import OF_A_BATCH, read_ecg, read_together
from protoecg.readers import Recording
from protoecg.readers.given import Given

# A file's name may be a patient's, and has a column of its own.
THE_FILE = "the file"

T = TypeVar("T")


def attempted(task: Callable[[], T]) -> T | str:
    """Do what may fail for one recording and must not cost the others; return why it failed."""
    try:
        return task()
    except ECGError as error:
        message = str(error)
        return message[:1].upper() + message[1:]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return f"Cannot be read: {reason}. Copy or pack it again."
    # What no one has foreseen of one file; it may quote the patient.
    except Exception as error:
        number = defects.report(error, "explaining an ECG of a batch")
        return f"Cannot be explained, by a defect; report the number {number}."


def read(parts: tuple[str, ...], files: Files, given: Given) -> ECG:
    """Read a recording of its files; errors as of `protoecg.isolation.read_ecg`."""
    return read_ecg(
        contents(files.read, parts), source=THE_FILE, limits=OF_A_BATCH, **given.options
    )


def read_some(
    recordings: Mapping[str, tuple[str, ...]],
    read: Callable[[Sequence[str]], Contents],
    given: Given,
) -> dict[str, ECG | str]:
    """Read some recordings of their files, by name; of what cannot be read, say why."""
    held = {name: attempted(partial(read, parts)) for name, parts in recordings.items()}
    there = {name: files for name, files in held.items() if not isinstance(files, str)}
    together = read_together(list(there.values()), source=THE_FILE, **given.options)
    ecgs = {
        name: attempted(partial(_ecg, recording))
        for name, recording in zip(there, together, strict=True)
    }
    return {name: files if isinstance(files, str) else ecgs[name] for name, files in held.items()}


def _ecg(recording: Recording | ECGError) -> ECG:
    if isinstance(recording, ECGError):
        raise recording
    return recording.ecg(0.0)


def about(name: str, bundle: Bundle) -> dict[str, str]:
    """Return the columns of a row that name its recording and the bundle."""
    # A name on the disk may be no UTF-8.
    shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return {"file": shown, "bundle": bundle.name, "revision": bundle.revision}


def text_columns(explanation: Explanation) -> Mapping[str, str]:
    """Return the columns of a row that hold an explanation's text."""
    return {
        "abstains": explanation.abstains or "",
        "quality": " ".join(explanation.quality),
        "notes": " ".join(explanation.notes),
        "unnamed": " ".join(one.sentence for one in explanation.unnamed),
        **{
            certainty: " ".join(f.code for f in explanation.findings if f.certainty == certainty)
            for certainty in ("likely", "possible")
        },
    }


def probabilities(explanation: Explanation) -> dict[str, float]:
    """Return the probability of each statement, to six decimals."""
    return {finding.code: round(finding.probability, 6) for finding in explanation.findings}
