"""From a design and what there is to rate, to the items of a study and each reviewer's order.

Nothing here looks at an ECG. What can be rated is handed in as plain data, `Material`; an item
keeps what a page needs to draw it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from protoecg.prototypes.manifest import BundleError, read_manifest, read_prototypes
from review_db.questions.catalogue import KINDS
from review_db.studies.case_file import ECG_SECONDS, read_cases
from review_db.studies.design import Design, DesignError, Sample

Plain = Mapping[str, Any]

# What each kind of thing has to say of itself.
_NEEDED = {
    "prototypes": ("name", "branch", "statement", "record", "window_s", "statements"),
    "matches": ("case", "prototype", "ecg", "window_s", "similarity"),
    "pairs": ("case", "statement", "ecg", "a", "b"),
    "readings": ("case", "statement", "truth", "ecg", "explanation"),
    "ecgs": ("record", "statements"),
}


@dataclass(frozen=True)
class Material:
    """What a study can ask about, as plain data that JSON can hold.

    Parameters
    ----------
    bundle, fingerprint : the bundle that is judged, and the version of its prototypes
    prototypes : `name`, `branch`, `statement`, `record`, `window_s` (start and end in the source
        ECG, seconds), `statements` (all of the source ECG); more is kept as it is
    matches : `case`, `prototype` (a name), `ecg` (where the patient's ECG is), `window_s`,
        `similarity`
    pairs : two explanations of a case: `case`, `statement`, `ecg`, `a`, `b` (each with its
        `bundle` and what a page needs to draw it)
    readings : `case`, `statement` (the finding that matters), `truth` (all statements), `ecg`,
        `explanation`
    ecgs : where random windows may be cut: `record`, `statements`; the prototypes' source ECGs
        if there are none

    Raises
    ------
    DesignError
        If something doesn't say of itself what it has to.
    """

    bundle: str
    fingerprint: str
    prototypes: Sequence[Plain]
    matches: Sequence[Plain] = ()
    pairs: Sequence[Plain] = ()
    readings: Sequence[Plain] = ()
    ecgs: Sequence[Plain] = ()

    def __post_init__(self) -> None:
        for kind, needed in _NEEDED.items():
            for number, one in enumerate(getattr(self, kind), start=1):
                if lacking := [key for key in needed if key not in one]:
                    raise DesignError(
                        f"Number {number} of the {kind} lacks {', '.join(map(repr, lacking))}."
                    )


@dataclass(frozen=True)
class NewItem:
    """One thing that a study asks about.

    `kind` is one of `KINDS`; `role` is "rated", "practice", or the kind of control that it is.
    `statement` is the one that is shown, which a control item may have wrong.
    """

    kind: str
    role: str
    branch: str
    statement: str
    prototype: str
    case_name: str
    data: Plain


@dataclass(frozen=True)
class Place:
    """Where a reviewer meets an item; `item` is its number, `repeat_of` an earlier position."""

    reviewer: str
    position: int
    item: int
    repeat_of: int | None
    swapped: bool


def bundle_material(folder: Path | str, cases: Path | str | None = None) -> Material:
    """Read what a bundle's folder says of its prototypes, and a JSON file of cases, if given.

    The file holds an object with the lists `matches`, `pairs`, `readings` and `ecgs`, or some of
    them.

    Raises
    ------
    DesignError
        If a file cannot be read or is not what it should be.
    """
    given = read_cases(Path(cases)) if cases is not None else {}
    try:
        manifest = read_manifest(Path(folder))
        prototypes = read_prototypes(Path(folder), manifest)
    except (BundleError, OSError) as error:
        raise DesignError(str(error)) from error
    return Material(manifest.name, manifest.fingerprint, list(map(asdict, prototypes)), **given)


def make_items(design: Design, material: Material) -> list[NewItem]:
    """Draw the items of a study; the same design and material always give the same ones.

    Raises
    ------
    DesignError
        If there is not enough to draw from.
    """
    chance = _chance(f"{design.name} items {design.seed}")
    pool = _pool(design.sample, material.prototypes)
    rated = draw_sample(design.sample, pool, chance)
    names = {prototype["name"] for prototype in rated}
    # Only where the sample leaves too few do controls show a prototype that is rated as well.
    rest = _shuffled([p for p in pool if p["name"] not in names], chance)
    spare = rest + _shuffled(rated, chance)
    items = [_of_prototype(p, "rated") for p in rated]
    items += [_of_prototype(p, "practice") for p in _some(spare, design.practice, "practice items")]
    items += _controls(
        design, material, spare[design.practice :] + spare[: design.practice], chance
    )
    items += [_of_match(match, material) for match in material.matches]
    items += [_of_pair(pair) for pair in material.pairs]
    items += [_of_reading(reading) for reading in material.readings]
    return items + (_summaries(rated) if design.summaries else [])


def draw_sample(sample: Sample, pool: Sequence[Plain], chance: random.Random) -> list[Plain]:
    """Draw `sample.size` prototypes (all, if 0), as evenly over the strata as there are."""
    if sample.size > len(pool):
        raise DesignError(
            f"The sample is of {sample.size} prototypes, but only {len(pool)} are of its branches "
            "and statements. Ask for fewer."
        )
    strata: dict[str, list[Plain]] = {}
    for prototype in _shuffled(pool, chance):
        strata.setdefault(str(prototype.get(sample.stratify, "")), []).append(prototype)
    turns = _shuffled(list(strata.values()), chance)
    in_turn = [s[n] for n in range(max(map(len, turns), default=0)) for s in turns if n < len(s)]
    return in_turn[: sample.size or None]


def make_places(design: Design, items: Sequence[NewItem]) -> list[Place]:
    """Write down which item each reviewer meets at which position.

    Practice comes first, then one kind of item after the other, each in an order of the
    reviewer's own. Repeats come when at least a third of the items of their kind lies between.
    """
    return [place for reviewer in design.reviewers for place in _order(design, items, reviewer)]


def _order(design: Design, items: Sequence[NewItem], reviewer: str) -> Iterable[Place]:
    chance = _chance(f"{design.name} {reviewer} {design.seed}")
    numbers = range(1, len(items) + 1)
    order = [n for n in numbers if items[n - 1].role == "practice"]
    for kind in KINDS:
        block = [
            n for n in numbers if items[n - 1].kind == kind and items[n - 1].role != "practice"
        ]
        again = [n for n in block if items[n - 1].role == "rated"] if KINDS[kind].repeated else []
        order += _with_repeats(_shuffled(block, chance), again, design.repeats, chance)
    left = _sides(items, chance)
    first: dict[int, int] = {}
    for position, number in enumerate(order, start=1):
        earlier = first.setdefault(number, position)
        repeated = earlier if earlier != position else None
        # A repeat with the sides changed shows whether the side decides.
        swapped = left.get(number, False) ^ (repeated is not None and number in left)
        yield Place(reviewer, position, number, repeated, swapped)


def _with_repeats(
    block: list[int], again: Sequence[int], share: float, chance: random.Random
) -> list[int]:
    apart = -(-len(block) // 3)
    early = [number for number in block[: len(block) - apart] if number in set(again)]
    drawn = chance.sample(early, min(round(share * len(again)), len(early)))
    # A whole number is where an item stands, a half where a repeat is pushed in between.
    keys = [(float(n), number) for n, number in enumerate(block)]
    keys += [
        (chance.randrange(block.index(number) + apart, len(block)) + 0.5, number)
        for number in drawn
    ]
    return [number for _, number in sorted(keys)]


def _sides(items: Sequence[NewItem], chance: random.Random) -> dict[int, bool]:
    pairs = _shuffled([n for n, item in enumerate(items, 1) if item.kind == "pair"], chance)
    start = chance.randrange(2)
    return {number: bool((n + start) % 2) for n, number in enumerate(pairs)}


def _pool(sample: Sample, prototypes: Sequence[Plain]) -> list[Plain]:
    for asked, key in ((sample.branches, "branch"), (sample.statements, "statement")):
        if strange := sorted(set(asked) - {str(p[key]) for p in prototypes}):
            raise DesignError(f"The bundle has no prototype of the {key} {strange[0]!r}.")
    return [
        p
        for p in prototypes
        if (not sample.branches or p["branch"] in sample.branches)
        and (not sample.statements or p["statement"] in sample.statements)
    ]


def _controls(
    design: Design, material: Material, spare: Sequence[Plain], chance: random.Random
) -> list[NewItem]:
    asked = design.controls
    wrong = [one for p in spare if (one := _under_wrong_statement(p, material, chance))]
    windows = [one for p in spare if (one := _random_window(p, material, chance))]
    noisy = [_with_noise(p, asked.noise_snr_db, chance) for p in spare]
    return [
        *_some(wrong, asked.wrong_statement, "prototypes under a wrong statement"),
        *_some(windows, asked.random_window, "random windows (only localised prototypes have any)"),
        # From the other end, so that one prototype rarely serves two kinds of control.
        *_some(noisy[::-1], asked.noise, "noise-degraded prototypes"),
    ]


def _under_wrong_statement(p: Plain, material: Material, chance: random.Random) -> NewItem | None:
    branch = {q["statement"] for q in material.prototypes if q["branch"] == p["branch"]}
    absent = sorted(branch - set(p["statements"]) - {p["statement"]})
    if not absent:
        return None
    return replace(_of_prototype(p, "wrong_statement"), statement=chance.choice(absent))


def _random_window(p: Plain, material: Material, chance: random.Random) -> NewItem | None:
    """Show an ECG with the statement where a prototype of another ECG has its window.

    A window drawn elsewhere would tell itself: those of prototypes begin on the model's steps.
    """
    sources = material.ecgs or material.prototypes
    ecgs = [e for e in sources if p["statement"] in e["statements"] and e["record"] != p["record"]]
    if not ecgs:
        return None
    ecg = chance.choice(ecgs)
    windows = [
        q["window_s"]
        for q in material.prototypes
        if q["branch"] == p["branch"]
        and q["record"] not in (p["record"], ecg["record"])
        and _is_localised(q, float(ecg.get("duration_s", ECG_SECONDS)))
    ]
    if not windows or not _is_localised(p, ECG_SECONDS):
        return None
    shown = {key: ecg[key] for key in ecg if key not in ("name", "branch", "statement")}
    data = {"ecg": {**shown, "window_s": list(chance.choice(windows))}, "stands_for": p["name"]}
    return replace(_of_prototype(p, "random_window"), data=data)


def _is_localised(p: Plain, duration_s: float) -> bool:
    start_s, end_s = p["window_s"]
    return end_s - start_s < ECG_SECONDS and end_s <= duration_s


def _with_noise(p: Plain, snr_db: float, chance: random.Random) -> NewItem:
    item = _of_prototype(p, "noise")
    noise = {"snr_db": snr_db, "seed": chance.randrange(2**31)}
    return replace(item, data={**item.data, "noise": noise})


def _of_prototype(p: Plain, role: str) -> NewItem:
    return NewItem(
        "prototype", role, p["branch"], p["statement"], p["name"], "", {"ecg": _plain(p)}
    )


def _of_match(match: Plain, material: Material) -> NewItem:
    found = [p for p in material.prototypes if p["name"] == match["prototype"]]
    if not found:
        raise DesignError(
            f"The match of {match['case']!r} is with {match['prototype']!r}, which is no prototype "
            "of the bundle."
        )
    p = found[0]
    data = {**match, "prototype": _plain(p)}
    return NewItem("match", "rated", p["branch"], p["statement"], p["name"], match["case"], data)


def _of_pair(pair: Plain) -> NewItem:
    return NewItem("pair", "rated", "", pair["statement"], "", pair["case"], _plain(pair))


def _of_reading(reading: Plain) -> NewItem:
    return NewItem(
        "reading", "rated", "", reading["statement"], "", reading["case"], _plain(reading)
    )


def _summaries(rated: Sequence[Plain]) -> list[NewItem]:
    by_statement: dict[tuple[str, str], list[Plain]] = {}
    for p in rated:
        by_statement.setdefault((p["branch"], p["statement"]), []).append(_plain(p))
    return [
        NewItem("statement", "rated", branch, statement, "", "", {"prototypes": prototypes})
        for (branch, statement), prototypes in by_statement.items()
        # One prototype is neither the best of several nor redundant.
        if len(prototypes) > 1
    ]


def _some(found: Sequence[Any], number: int, what: str) -> list[Any]:
    if number > len(found):
        raise DesignError(
            f"The design asks for {number} {what}, but only {len(found)} can be made. Ask for "
            "fewer, or widen the sample's branches and statements."
        )
    return list(found[:number])


def _chance(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311


def _plain(thing: Plain) -> dict[str, Any]:
    return dict(thing)


def _shuffled(things: Iterable[Any], chance: random.Random) -> list[Any]:
    shuffled = list(things)
    chance.shuffle(shuffled)
    return shuffled
