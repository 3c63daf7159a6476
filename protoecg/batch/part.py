"""Some recordings of a batch to the rows of a part: findings, matches and measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa

from protoecg.batch.rows import about, attempted, probabilities, read_some, text_columns
from protoecg.batch.sources import Contents
from protoecg.batch.table import ABOUT
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import decide_all
from protoecg.explanation import Explanation
from protoecg.measure import WORDS, Delineation, Measurements, delineate, measurements
from protoecg.readers.given import Given

# ECGs that the network sees at once, and recordings that one process reads.
AT_ONCE, READ_AT_ONCE = 16, 32
MEASURED = (*WORDS, "qtc_ms")

Read = Callable[[Sequence[str]], Contents]
Recordings = Mapping[str, tuple[str, ...]]


def schema(bundle: Bundle) -> pa.Schema:
    """Return the columns of a part."""
    texts = [pa.field(name, pa.string()) for name in ABOUT]
    matches = pa.field("matches", pa.list_(pa.string()))
    numbers = [pa.field(name, pa.float64()) for name in (*MEASURED, *bundle.statements)]
    return pa.schema([*texts, matches, *numbers])


def explained(recordings: Recordings, read: Read, bundle: Bundle, given: Given) -> pa.Table:
    """Return a row for each recording, in their order; what fails has its `error` alone.

    Parameters
    ----------
    recordings : of each its files, by name
    read : the files of one recording, by their names
    given : what files do not say themselves
    """
    return pa.Table.from_pylist(list(_rows(recordings, read, bundle, given)), schema=schema(bundle))


def _rows(
    recordings: Recordings, read: Read, bundle: Bundle, given: Given
) -> Iterator[dict[str, Any]]:
    """Yield a row for each recording; several are read, and fewer seen by the network, at once."""
    for some in _by(READ_AT_ONCE, recordings):
        ecgs = read_some({name: recordings[name] for name in some}, read, given)
        for names in _by(AT_ONCE, some):
            good = {name: ecg for name in names if isinstance(ecg := ecgs[name], ECG)}
            found = ecgs | _explained(good, bundle)
            yield from (_row(name, bundle, found[name]) for name in names)


def _by(count: int, names: Iterable[str]) -> Iterator[list[str]]:
    left = iter(names)
    while some := list(islice(left, count)):
        yield some


Explained = tuple[Explanation, Measurements]


def _explained(ecgs: Mapping[str, ECG], bundle: Bundle) -> dict[str, Explained | str]:
    """Explain ECGs at once; where that fails, one by one, so that one costs no other."""
    together = attempted(lambda: _at_once(list(ecgs.values()), bundle))
    if not isinstance(together, str):
        return dict(zip(ecgs, together, strict=True))
    return {name: attempted(partial(_alone, ecg, bundle)) for name, ecg in ecgs.items()}


def _alone(ecg: ECG, bundle: Bundle) -> Explained:
    return _at_once([ecg], bundle)[0]


def _at_once(ecgs: Sequence[ECG], bundle: Bundle) -> list[Explained]:
    if not ecgs:
        return []
    waves: list[Delineation] = [delineate(ecg) for ecg in ecgs]
    return list(zip(decide_all(ecgs, bundle, waves), map(measurements, waves), strict=True))


def _row(name: str, bundle: Bundle, found: Explained | ECG | str) -> dict[str, Any]:
    if not isinstance(found, tuple):
        return {**about(name, bundle), "error": found}
    explanation, measured = found
    return {
        **about(name, bundle),
        **text_columns(explanation),
        "matches": _matches(explanation),
        **{field: getattr(measured, field) for field in MEASURED},
        **probabilities(explanation),
    }


def _matches(explanation: Explanation) -> list[str]:
    """Name the prototype that speaks most for each likely finding, and how similar it is."""
    leading = (
        (finding, finding.speaking[0])
        for finding in explanation.findings
        if finding.present and finding.speaking and finding.speaking[0].contribution > 0
    )
    return [f"{f.code} {match.prototype.name} {match.similarity:.3f}" for f, match in leading]
