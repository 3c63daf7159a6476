"""What would be found without some prototypes: exact, since a logit is a sum over them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from protoecg.explanation import Explanation, add_up, ranked


def without(explanation: Explanation, names: Collection[str]) -> Explanation:
    """Return the explanation that these prototypes have no part in.

    Their contributions leave every finding; what is left and the bias add up to the new logits.

    Parameters
    ----------
    names : of prototypes

    Raises
    ------
    ValueError
        If no finding rests on a prototype of such a name.
    """
    known = {m.prototype.name for finding in explanation.findings for m in finding.matches}
    if unknown := sorted(set(names) - known):
        raise ValueError(
            f"No finding rests on {', '.join(unknown)}; name prototypes of the explanation's "
            "matches."
        )
    findings = [
        add_up(
            finding.statement,
            bias=finding.bias,
            threshold=finding.threshold,
            low_evidence=finding.low_evidence,
            matches=[m for m in finding.matches if m.prototype.name not in names],
            possible_from=finding.possible_from,
            measured=finding.measured,
            contradictions=finding.contradictions,
        )
        for finding in explanation.findings
    ]
    return replace(explanation, findings=ranked(findings))
