"""A copy of a bundle with prototypes spoiled on purpose, and reviewers who see it."""

import shutil
from dataclasses import replace

import numpy as np
import torch

from protoecg.bundle import load_bundle, save_bundle
from protoecg.evidence.neighbours import write_neighbours
from protoecg.labels import PTBXL
from protoecg.measure.beats import RATE, find_beats
from protoecg.prototypes.waveforms import record_checksum
from protoecg.signals import model_input
from review_db import Item, open_database, save_answer
from review_db.ratings.windows import register
from training.curate.candidates import embedded
from training.curate.partial_fit import PartialFit, rebuilt, shares_of, touched
from training.curate.pool import pool
from training.curate.reporter import Reporter
from training.curate.similarity import similarities
from training.data import ptbxl
from training.fit.choice import holds_beat

WRONG, NOISY, PAUSE = "wrong statement", "noise", "pause"
# How many points each reviewer takes off what a perfect eye would give: 5, or 1 if spoiled.
STRICTNESS = {"LENIENT": 1, "USUAL": 0, "STRICT": -1}


def spoil(bundle, root, counts, seed=0):
    """Return windows that should not stand for what they do: column, window and why of each."""
    known, chance = pool(bundle, root), np.random.default_rng(seed)
    columns = chance.permutation(len(bundle.prototypes))
    several = {s for s in bundle.statements if _count(bundle, s) > 2}
    spoiled = {}
    for why, count in counts.items():
        for column in columns:
            if sum(window[1] == why for window in spoiled.values()) == count:
                break
            prototype = bundle.prototypes[column]
            fits = prototype.statement in several and (
                prototype.branch == "morphology" if why == PAUSE else True
            )
            if column in spoiled or not fits:
                continue
            if (found := _window(bundle, known, prototype, why, chance)) is not None:
                spoiled[int(column)] = (found, why)
    return spoiled


def spoiled_copy(bundle, root, spoiled, folder, work):
    """Write a copy with these windows, fitted as training would have fitted it."""
    known = pool(bundle, root)
    vectors = {column: _vector(bundle, root, p) for column, (p, _) in spoiled.items()}
    network = rebuilt(bundle.network, vectors, [])
    prototypes = [
        replace(spoiled[i][0], name=p.name) if i in spoiled else p
        for i, p in enumerate(bundle.prototypes)
    ]
    before, after = similarities(
        (bundle.network, network), known.dataset, work, "spoiled", Reporter(print)
    )
    refit = PartialFit(bundle, shares_of(bundle), before, torch.from_numpy(known.labels))
    statements = touched(bundle.network, list(spoiled))
    refit.apply(network, after, statements)
    return _save(bundle, known, network, prototypes, folder)


def _save(bundle, known, network, prototypes, folder):
    if (bundle.path / "waveforms").is_dir():
        shutil.copytree(known.dataset.root, folder / "waveforms", dirs_exist_ok=True)
    copy = save_bundle(
        folder,
        name=f"{bundle.name}, spoiled",
        simulated=bundle.simulated,
        network=network,
        prototypes=tuple(prototypes),
        decisions=bundle.decisions,
        about=bundle.about,
        familiarity=bundle.familiarity,
        measured=bundle.measured,
    )
    write_neighbours(copy, known.ecgs)
    return load_bundle(folder)


def _count(bundle, statement):
    return sum(p.statement == statement for p in bundle.prototypes)


def _window(bundle, known, prototype, why, chance):
    labelled = known.labels[:, bundle.statements.index(prototype.statement)] > 0
    noisy = np.array([bool(noise) for noise in known.table["noise"]])
    rows = {WRONG: ~labelled & ~noisy, NOISY: labelled & noisy, PAUSE: labelled}[why]
    for row in chance.permutation(np.flatnonzero(rows))[:20]:
        ecg = known.table.iloc[row]
        for cell in known.ecgs.cells[prototype.branch][row].tolist():
            window_s = bundle.network.branches[prototype.branch].window_s(cell)
            if why != PAUSE or not _has_beat(known, ecg["record"], window_s):
                return replace(
                    prototype,
                    record=ecg["record"],
                    window_s=window_s,
                    statements=ecg["codes"],
                    patient=ecg["patient"],
                    sha256=record_checksum(known.dataset.root, ecg["record"]),
                )
    return None


def _has_beat(known, record, window_s):
    beats = find_beats(ptbxl.read_record(known.dataset.root, record))
    return holds_beat(beats.at / RATE, (window_s[0] - 0.1, window_s[1] + 0.1))


def _vector(bundle, root, prototype):
    branch = bundle.network.branches[prototype.branch]
    ecg = ptbxl.read_record(root, prototype.record)
    return embedded(branch, model_input(ecg), branch.cell(prototype.window_s))


def answers_of(prototype, is_spoiled, reviewer, chance):
    """Answers as a reviewer of some strictness would give them, now and then mistaken."""
    truth = 1 if is_spoiled else 5
    point = truth + STRICTNESS[reviewer] + int(chance.choice([-1, 0, 0, 1]))
    point = int(np.clip(point, 1, 5))
    return {
        "accurate": "no" if point <= 2 else "yes",
        "representativeness": point,
        "clarity": int(np.clip(point + 1, 1, 5)),
        **({"bad": True} if point == 1 else {}),
        "comment": f"{PTBXL[prototype.statement].description}?" if is_spoiled else "",
    }


def rated(url, copy, spoiled):
    """All prototypes of the statements that were spoiled, rated by three reviewers."""
    engine, chance = open_database(url), np.random.default_rng(1)
    register(engine, copy.fingerprint, copy.prototypes)
    statements = {p.statement for p, _ in spoiled.values()}
    for column, prototype in enumerate(copy.prototypes):
        if prototype.statement not in statements:
            continue
        item = Item(
            copy.name, copy.fingerprint, prototype.name, prototype.branch, prototype.statement
        )
        for reviewer in STRICTNESS:
            answers = answers_of(prototype, column in spoiled, reviewer, chance)
            for question, value in answers.items():
                save_answer(engine, reviewer=reviewer, item=item, question=question, value=value)
    engine.dispose()
