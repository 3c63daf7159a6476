"""What the measurements add to a finding, as one bar of its sum."""

from __future__ import annotations

from protoecg.explanation import Finding
from protoecg.wording import signed


def measurements_bar(finding: Finding) -> list[tuple[str, str, float]]:
    """Return label, what each measurement adds, and the sum; nothing where none adds anything."""
    if not finding.measured:
        return []
    each = [f"{m.name} {m.value:.3g} {m.unit} {signed(m.contribution)}" for m in finding.measured]
    total = sum(m.contribution for m in finding.measured)
    return [("measurements", "<br>".join([f"measurements: {signed(total, 3)}", *each]), total)]
