"""What several commands measured, collected on a bundle's card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pydantic_core

from protoecg.bundle import Bundle
from protoecg.card.document import MAX_BYTES, CardError, CardResults, read_card, write_card
from protoecg.storage.files import FormatError, read_limited

# Of each measurement: what its command writes without fail.
EXPECTED = {
    "evaluations": "per_statement",
    "faithfulness": "measures",
    "baseline_faithfulness": "measures",
    "abstention": "recordings",
    "known_changes": "changes",
    "practice": "makes",
    "ablations": "rows",
}
# These are about other models, so that they need not name this bundle.
OF_OTHERS = ("baseline_faithfulness", "ablations")


def add(
    bundle: Bundle, files: Mapping[str, Path | None], evaluations: Sequence[Path]
) -> CardResults:
    """Add measurements to a bundle's card, in place of older ones of the same name or fold.

    A card about another revision of the bundle is replaced.

    Parameters
    ----------
    files : the JSON file of each measurement but `evaluations`; None where there is none to add
    evaluations : JSON files that `evaluate` wrote, one a fold

    Returns
    -------
    what the card holds now

    Raises
    ------
    CardError
        If a file is no such measurement, or one of another bundle or revision.
    """
    card = dict(_card(bundle))
    card |= {name: _read(file, name, bundle) for name, file in files.items() if file}
    measured = [_read(file, "evaluations", bundle) for file in evaluations]
    if measured:
        by_fold = {str(results["fold"]): results for results in measured}
        card["evaluations"] = {**card.get("evaluations", {}), **by_fold}
    write_card(bundle, card)
    return card


def _card(bundle: Bundle) -> CardResults:
    try:
        return read_card(bundle)
    except CardError:
        return {}


def _read(file: Path, name: str, bundle: Bundle) -> dict[str, Any]:
    try:
        results = pydantic_core.from_json(read_limited(file, MAX_BYTES), allow_inf_nan=False)
    except FormatError as error:
        raise CardError(f"{error}. Name the file that a command wrote.") from error
    except ValueError as error:
        raise CardError(
            f"{file} is no JSON: {error}. Name the file that a command wrote."
        ) from error
    if not isinstance(results, dict) or not _is_of(results, EXPECTED[name]):
        raise CardError(
            f"{file} holds no {EXPECTED[name]!r} of a fold, so it is no measurement of "
            f"{name.replace('_', ' ')}. Name the file that the command wrote."
        )
    if name not in OF_OTHERS:
        _refuse_foreign(file, results, bundle)
    return results


def _is_of(results: Mapping[str, Any], measured: str) -> bool:
    kind = list if measured == "rows" else dict
    return type(results.get("fold")) is int and isinstance(results.get(measured), kind)


def _refuse_foreign(file: Path, results: Mapping[str, Any], bundle: Bundle) -> None:
    for key, own in (("bundle", bundle.name), ("revision", bundle.revision)):
        if results.get(key, own) != own:
            raise CardError(
                f"{file} was measured on the {key} {results[key]!r}, but that of {bundle.path} is "
                f"{own!r}. Measure this bundle anew."
            )
