"""How a finding's logit came from the earlier ECG's to the later one's, prototype by prototype."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from protoecg.evidence.change import FindingChange, MatchChange, total
from protoecg.explanation import Finding, percent
from protoecg.figures.charts import Step, steps_figure, sum_step
from protoecg.figures.theme import ThemeName

EARLIER, NOW = "earlier: logit", "now: logit"


def change_figure(
    change: FindingChange, *, top: int = 12, theme: ThemeName = "light", title: str = ""
) -> go.Figure:
    """Show how the prototypes' contributions, risen or fallen, lead from logit to logit.

    Each bar starts where the one above it ends. The `top` largest changes stand alone, the others
    share a bar; the dashed line is the logit from which the statement is called present.
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
    starts = np.cumsum([change.then.logit, *(amount for _, _, amount in amounts)])
    steps = [
        Step(label, hover, float(start), amount, "match")
        for (label, hover, amount), start in zip(amounts, starts[:-1], strict=True)
    ]
    return [_whole(EARLIER, change.then), *steps, _whole(NOW, change.now)]


def _whole(label: str, finding: Finding) -> Step:
    hover = f"{label} {finding.logit:+.3f}, probability {percent(finding.probability, 1)}"
    return sum_step(label, hover, finding)


def _hover(match: MatchChange) -> str:
    return (
        f"{match.prototype.name} ({match.prototype.statement}): similarity "
        f"{match.then.similarity:.3f} → {match.now.similarity:.3f}, × weight "
        f"{match.now.weight:+.3f}: contribution {match.then.contribution:+.3f} → "
        f"{match.now.contribution:+.3f}"
    )


def _others(rest: list[MatchChange]) -> tuple[str, str, float]:
    label = f"{len(rest)} other match{'es' if len(rest) > 1 else ''}"
    rose = [match for match in rest if match.amount > 0]
    fell = [match for match in rest if match.amount <= 0]
    hover = f"{label}: {total(rest):+.3f} ({total(rose):+.3f} risen, {total(fell):+.3f} fallen)"
    return label, hover, total(rest)


def describe_change(change: FindingChange, top: int = 3) -> str:
    """Say in words what `change_figure` shows, for readers who cannot see it."""
    largest = ", ".join(
        f"{step.label} {step.amount:+.2f}"
        for step in steps_of_change(change, top)
        if step.kind == "match"
    )
    then, now = change.then, change.now
    return (
        f"Change of {change.code} from the earlier ECG: logit {then.logit:+.2f} to "
        f"{now.logit:+.2f} ({change.amount:+.2f}), probability {percent(then.probability)} to "
        f"{percent(now.probability)}, {change.kind}. "
        f"{f'Contributions that changed: {largest}.' if largest else 'No prototype has a part.'}"
    )
