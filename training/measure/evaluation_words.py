"""What `evaluate` measured, as lines of text."""

from __future__ import annotations

from typing import Any

FLATTERS = "{} was trained, selected or calibrated on this fold: its figures flatter."


def summary(results: dict[str, Any]) -> str:
    """Return the main results of `evaluate` as lines of text."""
    lines = [
        f"{results['n']} ECGs of fold {results['fold']}: "
        f"macro AUROC {_text(results['macro_auroc'])}",
        *([] if results["held_out"] else [FLATTERS.format("The bundle")]),
        *(f"  {_line(label, results, key)}" for label, key in _MAIN),
        *(
            f"  {_line(f'{branch} alone, macro AUROC', own, 'macro_auroc')}"
            for branch, own in results["per_branch"].items()
        ),
    ]
    if "comparison" in results:
        if results["held_out"] and not results["comparison"]["held_out"]:
            lines.append(FLATTERS.format("The other"))
        lines.append(f"Macro AUROC above that of {results['comparison']['bundle']}:")
        lines += [
            f"  {_line(part, own, 'difference')}, p = {own['p']:.3f}"
            for part, own in results["comparison"]["per_part"].items()
        ]
    return "\n".join(lines) + "\n"


_MAIN = (
    ("macro AUROC", "macro_auroc"),
    ("AUROC weighted by positives", "weighted_auroc"),
    ("macro AUPRC", "macro_auprc"),
    ("Fmax", "fmax"),
)


def _line(label: str, results: dict[str, Any], key: str) -> str:
    low, high = results[f"{key}_interval"]
    return f"{label}: {_text(results[key])} (95 % {_text(low)} to {_text(high)})"


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
