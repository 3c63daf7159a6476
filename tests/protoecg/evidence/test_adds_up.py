"""What a finding adds up to, in sentences."""

from dataclasses import replace

from protoecg.evidence.in_words import adds_up
from protoecg.explain import explain
from protoecg.explanation import Measured
from protoecg.simulate import example


def test_cases_count_as_resembled_where_they_come_close(tiny_bundle):
    finding = explain(example("Atrial fibrillation"), tiny_bundle).findings[0]
    own = [m for m in finding.matches if m.prototype.statement == finding.code]
    matches = tuple(replace(m, similarity=0.4 + 0.2 * (i == 0)) for i, m in enumerate(own))
    sentences = adds_up(replace(finding, matches=matches), tiny_bundle.labels)
    assert sentences.startswith(f"Closely resembles 1 of the {len(own)} cases of ")


def test_measurements_are_told_as_within_a_sentence(tiny_bundle):
    finding = explain(example("Atrial fibrillation"), tiny_bundle).findings[0]
    measured = (
        Measured("QRS duration", 200.0, "ms", 2.0),
        Measured("Beats of another shape", 17.0, "% of beats", 1.5),
        Measured("R in aVF", 0.02, "mV", 1.0),
        Measured("Shortest RR interval", 98.0, "% of the median", -1.0),
    )
    sentences = adds_up(replace(finding, matches=(), measured=measured), tiny_bundle.labels)
    assert sentences == (
        "QRS duration 200 ms, beats of another shape 17 % of beats and R in aVF 0.02 mV speak for "
        "it. Shortest RR interval 98 % of the median speaks against it."
    )
