"""A curation from its proposals to a bundle; the bundle that it begins with is only read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from protoecg.bundle import Bundle, load_bundle, save_bundle
from protoecg.card.document import CardResults, read_card, write_card
from protoecg.evidence.neighbours import write_neighbours
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.curation import (
    ABOUT,
    Change,
    Curation,
    Proposals,
    Rule,
    curations,
)
from protoecg.prototypes.manifest import FILE
from protoecg.prototypes.prototype import Prototype
from protoecg.storage.files import new_folder, refuse_taken
from training.curate.candidates import suspects
from training.curate.changed import changes
from training.curate.finish import Finished, finish
from training.curate.partial_fit import rebuilt, touched
from training.curate.pool import Pool, pool
from training.curate.progress import curation_progress
from training.curate.reporter import Reporter
from training.curate.similarity import approximate
from training.curate.swaps import Swap, swaps
from training.fit.finish import carry_waveforms
from training.graph import carry_graph


def curate(
    bundle: Bundle,
    root: Path | None,
    proposals: Proposals,
    rule: Rule,
    *,
    out: Path,
    work: Path,
    reporter: Reporter,
) -> tuple[Bundle, dict[str, Any]]:
    """Make the bundle that the proposals lead to, and say what that did.

    Parameters
    ----------
    root : the data set that the bundle was trained on; without it the fit is by the index, and
        nothing is calibrated or measured anew
    out : a new folder; it is there when all of it is
    work : keeps similarities and measurements, so that the same curation goes on after a kill
    reporter : gets each step and each decision

    Raises
    ------
    CurationError, DataError, OSError
        If it cannot be done; then nothing is at `out`.
    """
    say = reporter.say
    if (before := _made_before(out, bundle, rule)) is not None:
        say(f"{out} holds this curation already.")
        return before, dict(read_card(before).get("curation", {}))
    refuse_taken(out)
    known = pool(bundle, root)
    say("Which labels may be wrong")
    suspect = np.zeros(known.labels.shape, bool)
    if proposals.retired:
        suspect = suspects(bundle, known, approximate(bundle.network, known.ecgs))
    begun = curation_progress(work, bundle, proposals, rule)
    decided = swaps(bundle, known, proposals, rule, suspect, reporter)
    for swap in decided:
        say(swap.line)
    network, prototypes, changed = _changed(bundle, decided)
    columns = touched(bundle.network, changed)
    finished = finish(bundle, known, network, columns, changed, work, begun, reporter)
    if finished.comparison:
        purity = _purity_by_name(bundle, decided, prototypes, finished)
        finished.comparison["changed"] = changes(
            network, prototypes, decided, known.waveforms, purity
        )
    history = _history(bundle, rule, decided, columns, begun.date)
    with new_folder(out) as folder:
        made = _written(folder, bundle, known, finished, prototypes, history)
        if note := carry_graph(bundle, made):
            say(note)
    begun.forget()
    say(f"{out}: {made.name}, revision {made.revision}")
    return load_bundle(out), finished.comparison


def _purity_by_name(
    bundle: Bundle, decided: Sequence[Swap], prototypes: Sequence[Prototype], finished: Finished
) -> dict[str, tuple[float | None, float | None]]:
    """Return, by name of a retired prototype, its purity and that of the one in its place."""
    before, after = finished.purity
    was = dict(zip((p.name for p in bundle.prototypes), before, strict=True))
    now = dict(zip((p.name for p in prototypes), after, strict=True))
    return {
        s.retired.name: (was[s.retired.name], now.get(s.new.name) if s.new else None)
        for s in decided
    }


def _made_before(out: Path, bundle: Bundle, rule: Rule) -> Bundle | None:
    """Return the bundle in a folder if it is what this rule made of this bundle, else None."""
    if not (out / FILE).is_file():
        return None
    found = load_bundle(out)
    last = curations(found.about)[-1:]
    same = [c for c in last if c.parent == bundle.revision and c.rule == _stated(rule)]
    return found if same else None


def _stated(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON gives it back."""
    return json.loads(json.dumps(asdict(rule)))


def _changed(
    bundle: Bundle, decided: Sequence[Swap]
) -> tuple[ProtoECGNet, tuple[Prototype, ...], list[int]]:
    """Return the network with its new prototypes, these, and the columns that changed."""
    places = {swap.retired.name: swap for swap in decided}
    columns = [i for i, p in enumerate(bundle.prototypes) if p.name in places]
    swap_of = {column: places[bundle.prototypes[column].name] for column in columns}
    vectors = {c: s.candidate.vector for c, s in swap_of.items() if s.candidate is not None}
    removed = [column for column in columns if column not in vectors]
    network = rebuilt(bundle.network, vectors, removed)
    prototypes = [
        swap_of[i].new if i in swap_of else p
        for i, p in enumerate(bundle.prototypes)
        if i not in removed
    ]
    return network, tuple(p for p in prototypes if p is not None), columns


def _history(
    bundle: Bundle, rule: Rule, decided: Sequence[Swap], columns: Sequence[int], date: str
) -> Curation:
    return Curation(
        date=date,
        parent=bundle.revision,
        parent_fingerprint=bundle.fingerprint,
        rule=_stated(rule),
        changes=tuple(_change(swap) for swap in decided),
        refitted=tuple(bundle.statements[column] for column in columns),
    )


def _change(swap: Swap) -> Change:
    verdict, points = swap.proposal.verdict, swap.proposal.verdict.representativeness
    return Change(
        retired=swap.retired.name,
        identity=swap.retired.identity,
        record=swap.retired.record,
        window_s=swap.retired.window_s,
        statement=swap.retired.statement,
        why=swap.proposal.why,
        reviewers=verdict.reviewers,
        representativeness=float(np.mean(points)) if points else None,
        new=swap.new.name if swap.new else None,
    )


def _written(
    folder: Path,
    bundle: Bundle,
    known: Pool,
    finished: Finished,
    prototypes: tuple[Prototype, ...],
    history: Curation,
) -> Bundle:
    if (bundle.path / "waveforms").is_dir():
        carried = known.dataset.root if known.dataset else bundle.path / "waveforms"
        carry_waveforms(carried, folder / "waveforms", prototypes)
    made = save_bundle(
        folder,
        name=_name(bundle),
        simulated=bundle.simulated,
        network=finished.network,
        prototypes=prototypes,
        decisions=finished.decisions,
        labels=bundle.labels,
        about=_about(bundle, finished.validation, history),
        familiarity=bundle.familiarity,
        measured=finished.measured,
    )
    write_neighbours(made, known.ecgs)
    if finished.comparison:
        write_card(made, _card(made, finished))
    return made


def _card(made: Bundle, finished: Finished) -> CardResults:
    """Return what was measured of a bundle on the ECGs that calibrated it."""
    (fold, *more) = finished.comparison["fold"]
    about = {"bundle": made.name, "revision": made.revision, "fold": fold, "held_out": False}
    # By thresholds of another hospital, its results there say nothing.
    comparable = not more and not made.recalibrations
    evaluation = {str(fold): {**about, **finished.evaluation}} if comparable else {}
    return {"evaluations": evaluation, "curation": finished.comparison}


def _about(bundle: Bundle, validation: Mapping[str, Any], history: Curation) -> dict[str, Any]:
    done = [asdict(curation) for curation in (*curations(bundle.about), history)]
    return {**bundle.about, "created": history.date, "validation": validation, ABOUT: done}


def _name(bundle: Bundle) -> str:
    number = len(curations(bundle.about)) + 1
    return f"{bundle.name.removesuffix(f', curated {number - 1}')}, curated {number}"
