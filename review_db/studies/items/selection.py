"""From a design and what there is to rate, to the items of a study.

Nothing here looks at an ECG: an item keeps what a page needs to draw it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import replace

from protoecg.prototypes.prototype import Prototype
from review_db.studies.design import Design, DesignError, Sample
from review_db.studies.items import (
    DifferentialContent,
    MatchContent,
    NamedWindow,
    Noise,
    PairContent,
    PrototypeContent,
    SourceWindow,
    StatementContent,
    StudyItem,
)
from review_db.studies.items.case_file import ECG_SECONDS, CaseECG, MatchCase, PairCase, ReadingCase
from review_db.studies.items.chance import chance_of, shuffled
from review_db.studies.items.material import Material
from review_db.studies.items.supply import Maker, Supply, records

# What shows ECGs of its own, by its role.
APART = {
    "practice": "practice items",
    "wrong_statement": "prototypes under a wrong statement",
    "random_window": "random windows (only localised prototypes have any)",
    "noise": "noise-degraded prototypes",
}


def make_items(design: Design, material: Material) -> list[StudyItem]:
    """Draw the items of a study; the same design and material always give the same ones.

    Practice items and controls show ECGs that no other item shows. Where all prototypes are to be
    rated, these are all but those that are held back for this.

    Raises
    ------
    DesignError
        If there is not enough to draw from, or a second look would reveal nothing.
    """
    chance = chance_of(f"{design.name} items {design.seed}")
    pool = _pool(design.sample, material.prototypes)
    cases = _of_cases(material)
    rated = draw_sample(design.sample, pool, chance) if design.sample.size else []
    supply = _supply(pool, rated, cases, chance)
    apart = [
        item
        for role, make in _makers(design, material, chance).items()
        for item in supply.take(make, asked_for(design)[role], APART[role])
    ]
    if not design.sample.size:
        left = [p for p in pool if p.record not in supply.used]
        rated = draw_sample(design.sample, left, chance)
    items = [*(_of_prototype(p, "rated") for p in rated), *apart, *cases]
    items += _summaries(rated) if design.summaries else []
    _refuse_empty_second_look(design, items)
    return items


def asked_for(design: Design) -> dict[str, int]:
    """Return how many practice items and controls a design asks for, by their role."""
    controls = {role: getattr(design.controls, role) for role in APART if role != "practice"}
    return {"practice": design.practice, **controls}


def most_apart(design: Design, material: Material) -> dict[str, int]:
    """Return how many practice items and controls can be had, each if asked for alone.

    Raises
    ------
    DesignError
        If the sample cannot be drawn.
    """
    chance = chance_of(f"{design.name} items {design.seed}")
    pool = _pool(design.sample, material.prototypes)
    rated = draw_sample(design.sample, pool, chance) if design.sample.size else []
    supply = _supply(pool, rated, _of_cases(material), chance)
    return {role: supply.most(make) for role, make in _makers(design, material, chance).items()}


def draw_sample(
    sample: Sample, pool: Sequence[Prototype], chance: random.Random
) -> list[Prototype]:
    """Draw `sample.size` prototypes (all, if 0), as evenly over the strata as there are."""
    if sample.size > len(pool):
        raise DesignError(
            f"The sample is of {sample.size} prototypes, but only {len(pool)} are of its branches "
            "and statements. Ask for fewer."
        )
    strata: dict[str, list[Prototype]] = {}
    for prototype in shuffled(pool, chance):
        strata.setdefault(getattr(prototype, sample.stratify, ""), []).append(prototype)
    turns = shuffled(list(strata.values()), chance)
    in_turn = [s[n] for n in range(max(map(len, turns), default=0)) for s in turns if n < len(s)]
    return in_turn[: sample.size or None]


def _pool(sample: Sample, prototypes: Sequence[Prototype]) -> list[Prototype]:
    if sample.cases_only:
        return []
    for asked, key, words in (
        (sample.branches, "branch", "of the branch"),
        (sample.statements, "statement", "of the statement"),
        (sample.prototypes, "name", "named"),
    ):
        if strange := sorted(set(asked) - {getattr(p, key) for p in prototypes}):
            raise DesignError(f"The bundle has no prototype {words} {strange[0]!r}.")
    return [
        p
        for p in prototypes
        if (not sample.branches or p.branch in sample.branches)
        and (not sample.statements or p.statement in sample.statements)
        and (not sample.prototypes or p.name in sample.prototypes)
    ]


def _supply(
    pool: Sequence[Prototype],
    rated: Sequence[Prototype],
    cases: Sequence[StudyItem],
    chance: random.Random,
) -> Supply:
    shown = {p.record for p in rated}.union(*map(records, cases))
    return Supply(shuffled(pool, chance), shown)


def _makers(design: Design, material: Material, chance: random.Random) -> dict[str, Maker]:
    snr_db = design.controls.noise_snr_db
    return {
        "practice": lambda p, _: _of_prototype(p, "practice"),
        "wrong_statement": lambda p, _: _under_wrong_statement(p, material, chance),
        "random_window": lambda p, shown: _random_window(p, material, shown, chance),
        "noise": lambda p, _: _with_noise(p, snr_db, chance),
    }


def _refuse_empty_second_look(design: Design, items: Sequence[StudyItem]) -> None:
    hides = {
        "prototype": design.blinding.statement,
        "match": design.blinding.statement or design.blinding.similarity,
    }
    kinds = {item.kind for item in items} & set(hides)
    if design.two_stages and not any(hides[kind] for kind in kinds):
        raise DesignError(
            "Two looks are asked for, but the first hides nothing that the second would show. "
            "Hide the statement, or ask for one look."
        )


def _under_wrong_statement(
    p: Prototype, material: Material, chance: random.Random
) -> StudyItem | None:
    if not p.statements:
        # What else is in its ECG is not known, so that another statement need not be wrong.
        return None
    branch = {q.statement for q in material.prototypes if q.branch == p.branch}
    absent = sorted(branch - set(p.statements) - {p.statement})
    if not absent:
        return None
    return replace(_of_prototype(p, "wrong_statement"), statement=chance.choice(absent))


def _random_window(
    p: Prototype, material: Material, shown: Collection[str], chance: random.Random
) -> StudyItem | None:
    """Show an ECG with the statement where a prototype of another ECG has its window.

    A window drawn elsewhere would tell itself: those of prototypes begin on the model's steps.
    """
    sources: Sequence[Prototype | CaseECG] = material.ecgs or material.prototypes
    taken = {p.record, *shown}
    ecgs = [e for e in sources if p.statement in e.statements and e.record not in taken]
    if not ecgs:
        return None
    ecg = chance.choice(ecgs)
    duration_s = ecg.duration_s if isinstance(ecg, CaseECG) else ECG_SECONDS
    windows = [
        q.window_s
        for q in material.prototypes
        if q.branch == p.branch
        and q.record not in (p.record, ecg.record)
        and _is_localised(q, duration_s)
    ]
    if not windows or not _is_localised(p, ECG_SECONDS):
        return None
    window = SourceWindow(record=ecg.record, sha256=ecg.sha256, window_s=chance.choice(windows))
    content = PrototypeContent(ecg=window, stands_for=p.name)
    return replace(_of_prototype(p, "random_window"), content=content)


def _is_localised(p: Prototype, duration_s: float) -> bool:
    start_s, end_s = p.window_s
    return end_s - start_s < ECG_SECONDS and end_s <= duration_s


def _with_noise(p: Prototype, snr_db: float, chance: random.Random) -> StudyItem:
    noise = Noise(snr_db=snr_db, seed=chance.randrange(2**31))
    content = PrototypeContent(ecg=_window(p), noise=noise)
    return replace(_of_prototype(p, "noise"), content=content)


def _of_prototype(p: Prototype, role: str) -> StudyItem:
    content = PrototypeContent(ecg=_window(p))
    return StudyItem(content, role, p.statement, branch=p.branch, prototype=p.name)


def _of_cases(material: Material) -> list[StudyItem]:
    return [
        *(_of_match(match, material) for match in material.matches),
        *map(_of_pair, material.pairs),
        *(_of_reading(reading, "rated") for reading in material.readings),
        *(_of_reading(reading, "practice") for reading in material.practice),
    ]


def _of_match(match: MatchCase, material: Material) -> StudyItem:
    found = [p for p in material.prototypes if p.name == match.prototype]
    if not found:
        raise DesignError(
            f"The match of {match.case!r} is with {match.prototype!r}, which is no prototype of "
            "the bundle."
        )
    p = found[0]
    content = MatchContent(
        ecg=match.ecg,
        window_s=match.window_s,
        similarity=match.similarity,
        prototype=_window(p),
    )
    return StudyItem(content, "rated", p.statement, p.branch, p.name, match.case, match.truth)


def _of_pair(pair: PairCase) -> StudyItem:
    content = PairContent(ecg=pair.ecg, a=pair.a, b=pair.b)
    return StudyItem(content, "rated", pair.statement, case_name=pair.case, truth=pair.truth)


def _of_reading(reading: ReadingCase, role: str) -> StudyItem:
    content = DifferentialContent(
        ecg=reading.ecg, calls=reading.called, explanation=reading.explanation
    )
    return StudyItem(content, role, reading.statement, case_name=reading.case, truth=reading.truth)


def _summaries(rated: Sequence[Prototype]) -> list[StudyItem]:
    by_statement: dict[tuple[str, str], list[NamedWindow]] = {}
    for p in rated:
        by_statement.setdefault((p.branch, p.statement), []).append(_named_window(p))
    return [
        StudyItem(StatementContent(prototypes=tuple(prototypes)), "rated", statement, branch)
        for (branch, statement), prototypes in by_statement.items()
        # One prototype is neither the best of several nor redundant.
        if len(prototypes) > 1
    ]


def _window(p: Prototype) -> SourceWindow:
    return SourceWindow(record=p.record, sha256=p.sha256, window_s=p.window_s)


def _named_window(p: Prototype) -> NamedWindow:
    return NamedWindow(record=p.record, sha256=p.sha256, window_s=p.window_s, name=p.name)
