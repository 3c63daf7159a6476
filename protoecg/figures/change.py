"""How a finding's logit came from the earlier ECG's to the later one's, prototype by prototype."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from protoecg.evidence.change import FindingChange, MatchChange, total
from protoecg.figures.charts import Step, steps_figure, sum_step
from protoecg.sheet.colours import ThemeName
from protoecg.wording import probability, signed

EARLIER, NOW = "earlier: logit", "now: logit"


def change_figure(
    change: FindingChange, *, top: int = 12, theme: ThemeName = "light", title: str = ""
) -> go.Figure:
    """Show how the prototypes' contributions, risen or fallen, lead from logit to logit.

    Each bar starts where the one above it ends. The `top` largest changes stand alone, the others
    share a bar; the dashed line is the logit from which the statement is likely.
    """
    return steps_figure(
        steps_of_change(change, top),
        change.now.threshold,
        title=title,
        axis="logit: what rose points to the right, what fell to the left",
        theme=theme,
    )


def steps_of_change(change: FindingChange, top: int = 12) -> list[Step]:
    """Return the bars: the earlier logit, the largest changes, the others, the logit now."""
    ranked = sorted(change.matches, key=lambda match: -abs(match.amount))
    amounts = [(m.prototype.name, _hover(m), m.amount) for m in ranked[:top]]
    if rest := ranked[top:]:
        amounts.append(_others(rest))
    if change.measured:
        amounts.append(
            ("measurements", f"measurements: {signed(change.measured, 3)}", change.measured)
        )
    starts = np.cumsum([change.then.logit, *(amount for _, _, amount in amounts)])
    steps = [
        Step(label, hover, float(start), amount, "match")
        for (label, hover, amount), start in zip(amounts, starts[:-1], strict=True)
    ]
    return [sum_step(EARLIER, change.then), *steps, sum_step(NOW, change.now)]


def _hover(match: MatchChange) -> str:
    return (
        f"{match.prototype.name} ({match.prototype.statement}): similarity "
        f"{signed(match.then.similarity, 3)} → {signed(match.now.similarity, 3)}, × weight "
        f"{signed(match.now.weight, 3)}: contribution {signed(match.then.contribution, 3)} → "
        f"{signed(match.now.contribution, 3)}"
    )


def _others(rest: list[MatchChange]) -> tuple[str, str, float]:
    label = f"{len(rest)} other match{'es' if len(rest) > 1 else ''}"
    rose = [match for match in rest if match.amount > 0]
    fell = [match for match in rest if match.amount <= 0]
    sides = f"{signed(total(rose), 3)} risen, {signed(total(fell), 3)} fallen"
    return label, f"{label}: {signed(total(rest), 3)} ({sides})", total(rest)


def describe_change(change: FindingChange, top: int = 3) -> str:
    """Say in words what `change_figure` shows, for readers who cannot see it."""
    largest = ", ".join(
        f"{step.label} {signed(step.amount)}"
        for step in steps_of_change(change, top)
        if step.kind == "match"
    )
    then, now = change.then, change.now
    return (
        f"Change of {now.statement.named} from the earlier ECG: "
        f"logit {signed(then.logit)} to {signed(now.logit)} ({signed(change.amount)}), probability "
        f"{probability(then.probability)} to {probability(now.probability)}, {change.kind}. "
        f"{f'Contributions that changed: {largest}.' if largest else 'No prototype has a part.'}"
    )
