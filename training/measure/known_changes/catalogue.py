"""The known changes: what is put in, which statements fit it, and how it must measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from protoecg.measure import delineate, quantities
from training.measure.known_changes import heights, timing
from training.measure.known_changes.subject import Changed, Subject

Values = Mapping[str, float]


@dataclass(frozen=True)
class Change:
    """A change of one size.

    Parameters
    ----------
    name : what is put in, in words
    fitting : the statements of which any one names the change
    measured : what of `protoecg.measured.unnamed.NAMES` says it where none does
    make : the change, or None where an ECG has no room for it
    as_asked : whether the quantities before and after the change say that it is what was asked
    """

    name: str
    fitting: tuple[str, ...]
    measured: tuple[str, ...]
    make: Callable[[Subject], Changed | None]
    as_asked: Callable[[Values, Values], bool]

    def of(self, subject: Subject) -> Changed | None:
        """Change an ECG; None where there is no room, or where it does not measure as asked."""
        changed = self.make(subject)
        if changed is None:
            return None
        after = quantities(delineate(changed.ecg))
        return changed if self.as_asked(subject.values, after) else None


_ISCHAEMIA = {
    "V1 to V4": ("ISCAN", "ISCAS", "ISCAL", "INJAS", "INJAL"),
    "V2 to V5": ("ISCAN", "ISCAS", "ISCAL", "INJAS", "INJAL"),
    "II, III, aVF": ("ISCIN", "ISCIL", "INJIN", "INJIL"),
    "I, aVL, V5, V6": ("ISCLA", "ISCAL", "ISCIL", "INJLA", "INJAL", "INJIL"),
}
_INFARCTION = {
    "V1 to V4": ("ASMI", "AMI", "ALMI", "ANEUR", "INJAS", "INJAL"),
    "II, III, aVF": ("IMI", "ILMI", "IPLMI", "IPMI", "INJIN", "INJIL"),
    "I, aVL, V5, V6": ("LMI", "ALMI", "ILMI", "IPLMI", "INJLA", "INJAL", "INJIL"),
}
# By which the change of a region is measured: a lead that takes all of it.
_MAIN_LEAD = {"V1 to V4": "V3", "V2 to V5": "V4", "II, III, aVF": "II", "I, aVL, V5, V6": "V5"}
_BLOCKS = ("IVCD", "CLBBB", "CRBBB", "ILBBB", "IRBBB")
_EARLY = ("PRC(S)", "BIGU", "TRIGU")


def changes() -> Iterator[Change]:
    """Return every change in all its sizes."""
    yield from _st_levels()
    yield from _t_waves()
    yield from _intervals()
    yield from _rhythms()
    yield from _sizes_and_axis()


def _st_levels() -> Iterator[Change]:
    for region, infarction in _INFARCTION.items():
        raised, lowered = ("STE_", *infarction), ("STD_", "NST_", "ISC_", *_ISCHAEMIA[region])
        for mv, fitting, measured in (
            *((mv, raised, "st_raised") for mv in (0.1, 0.2, 0.4)),
            *((-mv, lowered, "st_lowered") for mv in (0.1, 0.2)),
        ):
            yield Change(
                f"ST {mv:+g} mV in {region}",
                fitting,
                (measured,),
                partial(heights.st_level, region=region, mv=mv),
                _moves_by(f"st_{_MAIN_LEAD[region]}", mv, 0.2 * abs(mv) + 0.02),
            )


def _t_waves() -> Iterator[Change]:
    for region in ("V2 to V5", "II, III, aVF", "I, aVL, V5, V6"):
        for mv in (0.2, 0.4):
            yield Change(
                f"T inverted, {mv:g} mV deep, in {region}",
                ("INVT", "TAB_", "NT_", "NDT", "ISC_", *_ISCHAEMIA[region]),
                ("t_inverted",),
                partial(heights.t_inverted, region=region, mv=mv),
                _becomes(f"t_{_MAIN_LEAD[region]}", -mv, 0.4 * mv),
            )


def _intervals() -> Iterator[Change]:
    for ms in (220, 240, 280):
        make = partial(timing.longer_pr, ms=ms)
        yield Change(f"PR of {ms} ms", ("1AVB", "LPR"), ("pr",), make, _becomes("pr", ms, 20))
    for ms in (130, 150, 170):
        make = partial(timing.wider_qrs, ms=ms)
        yield Change(f"QRS of {ms} ms", _BLOCKS, ("qrs",), make, _becomes("qrs", ms, 15))
    for ms in (480, 520, 560):
        make = partial(timing.longer_qt, qtc_ms=ms)
        yield Change(f"QTc of {ms} ms", ("LNGQT",), ("qtc",), make, _becomes("qtc", ms, 35))


def _rhythms() -> Iterator[Change]:
    for share, count in ((0.25, 1), (0.35, 1), (0.45, 1), (0.35, 2)):
        name = f"{_beats_of(count)}, early by {share:.0%} of RR, of the usual shape"
        early = partial(timing.early_beats, share=share, count=count)
        yield Change(
            name,
            ("PAC", "SVARR", *_EARLY),
            (),
            early,
            _becomes("early_usual", count, 0),
        )
    for share, count in ((0.35, 1), (0.45, 1), (0.35, 2)):
        name = f"{_beats_of(count)}, early by {share:.0%} of RR, ventricular"
        ectopic = partial(timing.ectopic_beats, share=share, count=count)
        yield Change(name, ("PVC", *_EARLY), (), ectopic, _becomes("early_unusual", count, 0))
    for count in (1, 2):
        missing = partial(timing.missing_beats, count=count)
        name = f"{_beats_of(count)} left out"
        as_asked = _becomes("longest_rr", 100 * (count + 1), 25)
        yield Change(name, ("SVARR", "SARRH", "2AVB", "3AVB", "PAC"), ("pause",), missing, as_asked)
    yield Change(
        "a P wave without its QRS complex",
        ("2AVB", "3AVB"),
        ("pause",),
        timing.dropped_complex,
        _becomes("longest_rr", 200, 25),
    )


def _beats_of(count: int) -> str:
    return f"{count} beat{'s' * (count > 1)}"


def _sizes_and_axis() -> Iterator[Change]:
    for mv in (0.45, 0.3):
        make = partial(heights.low_voltage, mv=mv)
        yield Change(
            f"no limb lead above {mv:g} mV",
            ("LVOLT",),
            ("voltage_low",),
            make,
            _at_most("limb_voltage", mv),
        )
    for degrees, fitting, measured in (
        *((degrees, ("LAFB",), "axis_left") for degrees in (-50, -70)),
        *((degrees, ("LPFB", "RVH"), "axis_right") for degrees in (110, 130)),
    ):
        make = partial(heights.axis, degrees=degrees)
        name = f"axis of {degrees} degrees"
        yield Change(name, fitting, (measured,), make, _becomes("axis", degrees, 10))


def _becomes(quantity: str, value: float, within: float) -> Callable[[Values, Values], bool]:
    return lambda before, after: abs(after[quantity] - value) <= within


def _moves_by(quantity: str, by: float, within: float) -> Callable[[Values, Values], bool]:
    return lambda before, after: abs(after[quantity] - before[quantity] - by) <= within


def _at_most(quantity: str, value: float) -> Callable[[Values, Values], bool]:
    return lambda before, after: after[quantity] <= 1.05 * value
