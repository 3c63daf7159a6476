"""12-lead ECGs whose findings, and their place in time, are known.

A beat is a loop of the heart's electric dipole: a sum of bumps in space, one group for each of
P, QRS, ST and T. Disease changes the bumps (`heart`) or when they come (`rhythm`); a matrix turns
the dipole into leads (`torso`). What the statements promise is asserted in the tests.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from protoecg.ecg import DURATION_S, ECG
from protoecg.simulate import rhythm
from protoecg.simulate.atria import fibrillatory_waves, flutter_waves
from protoecg.simulate.findings import CODES, compatible, completed, draw
from protoecg.simulate.heart import heart
from protoecg.simulate.person import Person
from protoecg.simulate.rhythm import Placed
from protoecg.simulate.shapes import dipole
from protoecg.simulate.torso import digitised, noise, twelve_leads

__all__ = [
    "CODES",
    "EVIDENCE",
    "EXAMPLES",
    "Event",
    "Person",
    "SimulatedECG",
    "compatible",
    "completed",
    "draw",
    "example",
    "simulate",
]

NOTE = "This ECG is simulated: it was computed, not recorded from a patient."

# The events in which a statement shows; those not named here show in the whole strip.
EVIDENCE: dict[str, tuple[str, ...]] = {
    "PVC": ("PVC",),
    "PAC": ("PAC",),
    "1AVB": ("P", "QRS"),
    "CLBBB": ("QRS",),
    "CRBBB": ("QRS",),
    "LAFB": ("QRS",),
    "WPW": ("QRS",),
    "LVH": ("QRS",),
    "LVOLT": ("QRS",),
    "ASMI": ("QRS", "ST", "T"),
    "IMI": ("QRS", "ST", "T"),
    "STD_": ("ST",),
    "INVT": ("T",),
    "LNGQT": ("QRS", "ST", "T"),
    "PACE": ("pacing spike", "QRS"),
}

EXAMPLES: dict[str, tuple[str, ...]] = {
    "Normal sinus rhythm": ("NORM", "SR"),
    "Sinus bradycardia": ("SBRAD",),
    "Sinus tachycardia": ("STACH",),
    "Atrial fibrillation": ("AFIB",),
    "Atrial flutter": ("AFLT",),
    "First-degree AV block": ("1AVB", "SR"),
    "Premature ventricular complexes": ("PVC", "SR"),
    "Premature atrial complexes": ("PAC", "SR"),
    "Left bundle branch block": ("CLBBB", "SR"),
    "Right bundle branch block": ("CRBBB", "SR"),
    "Left ventricular hypertrophy": ("LVH", "SR"),
    "Anteroseptal myocardial infarction": ("ASMI", "SR"),
    "Inferior myocardial infarction": ("IMI", "SR"),
    "ST depression": ("STD_", "SR"),
    "T wave inversion": ("INVT", "SR"),
    "Long QT interval": ("LNGQT", "SR"),
    "Ventricular pacing": ("PACE",),
    "Low voltage": ("LVOLT", "SR"),
    "Pre-excitation (Wolff-Parkinson-White)": ("WPW", "SR"),
    "Sinus arrhythmia": ("SARRH",),
    "Left anterior fascicular block": ("LAFB", "SR"),
    "Atrial fibrillation with premature ventricular complexes": ("AFIB", "PVC"),
}


@dataclass(frozen=True)
class Event:
    """A wave or a beat within an ECG, in seconds.

    `kind` is a wave of a beat ("P", "QRS", "ST", "T", "pacing spike"), a whole premature beat
    from its first deflection to the end of its T wave ("PVC", "PAC", besides their waves), or
    what the atria do throughout ("f waves", "flutter waves").
    """

    kind: str
    onset_s: float
    offset_s: float


@dataclass(frozen=True, eq=False)
class SimulatedECG:
    """An ECG and the truth about it.

    `events` are sorted by onset and lie wholly within the ECG; waves that an end of the
    recording cuts are drawn but not listed.
    """

    ecg: ECG
    statements: tuple[str, ...]
    events: tuple[Event, ...]
    age: int
    sex: str


def simulate(
    statements: Collection[str] | None = None,
    *,
    seed: int | np.random.Generator = 0,
    rate: float = 100,
    duration: float = DURATION_S,
    person: Person | None = None,
    noise_level: float = 1.0,
) -> SimulatedECG:
    """Simulate a 12-lead ECG that shows the given statements and nothing else of `CODES`.

    Parameters
    ----------
    statements : codes of PTB-XL out of `CODES`; sinus rhythm is added where no rhythm is given;
        None draws a sensible combination
    seed : the same seed, or a generator in the same state, gives the same ECG
    rate, duration : Hz, seconds
    person : whose ECG; None draws someone
    noise_level : 1 for noise as in a hospital, 0 for none

    Raises
    ------
    ValueError
        If a statement cannot be simulated, or two of them do not stand together.
    """
    rng = np.random.default_rng(seed)
    codes = draw(rng) if statements is None else completed(statements)
    person = person or Person.draw(rng)
    times = np.arange(round(duration * rate)) / rate
    source, placed, events = _beating(codes, person, times, rate, rng)
    breath = 1 + 0.04 * np.sin(2 * np.pi * (rng.uniform(0.2, 0.3) * times + rng.uniform()))
    eight = person.leads @ (dipole(placed, times) * breath + source)
    eight = eight + noise_level * noise(times, rate, rng)
    ecg = ECG(twelve_leads(digitised(eight)), rate, "Simulated", (NOTE,))
    events = sorted([*events, *_events(placed, duration)], key=lambda e: (e.onset_s, e.offset_s))
    return SimulatedECG(ecg, codes, tuple(events), person.age, person.sex)


def example(title: str, rate: float = 500) -> ECG:
    """Return the example ECG of that title in `EXAMPLES`, always the same one."""
    seed = 1000 + list(EXAMPLES).index(title)
    ecg = simulate(EXAMPLES[title], seed=seed, rate=rate, noise_level=0.6).ecg
    return replace(ecg, source=f"Simulated: {_within_a_sentence(title)}")


def _within_a_sentence(title: str) -> str:
    # "ST depression" and "T wave inversion" keep their capitals.
    return title[0].lower() + title[1:] if title[1].islower() else title


def _beating(
    codes: tuple[str, ...],
    person: Person,
    times: np.ndarray,
    rate: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, list[Placed], list[Event]]:
    """Return what the atria add to the dipole, the shapes of the beats, and the atria's events."""
    quiet, duration = np.zeros((3, len(times))), len(times) / rate
    if "AFLT" in codes:
        cycle, ratio = rhythm.flutter_cycle(rng), int(rng.choice([2, 3, 4], p=[0.35, 0.25, 0.4]))
        made = heart(codes, cycle * ratio, person, rng)
        placed = rhythm.flutter(codes, made, cycle, ratio, duration, rng)
        waves = flutter_waves(times, cycle, placed[0][0], rng)
        return waves, placed, [Event("flutter waves", 0.0, duration)]
    made = heart(codes, rhythm.mean_rr(codes, rng), person, rng)
    if "AFIB" in codes:
        placed = rhythm.fibrillation(codes, made, duration, rng)
        return fibrillatory_waves(times, rng), placed, [Event("f waves", 0.0, duration)]
    if "PACE" in codes:
        return quiet, rhythm.paced(made, duration, rate, rng), []
    return quiet, rhythm.sinus(codes, made, duration, rng), []


def _events(placed: list[Placed], duration: float) -> list[Event]:
    events = [
        Event(kind, round(at + onset, 4), round(at + offset, 4))
        for at, shape in placed
        for kind, onset, offset in shape.spans
    ]
    return [e for e in events if e.onset_s >= 0 and e.offset_s <= duration]
