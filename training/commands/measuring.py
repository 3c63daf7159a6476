"""The commands that measure what a bundle, its data and the measurements are worth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from typer import Option, Typer

from protoecg.storage.files import write_json
from training.commands.options import (
    Bundle,
    Data,
    Fold,
    Folds,
    Json,
    OnRay,
    engine_at,
)

app = Typer()


@app.command()
def evaluate(
    bundle: Bundle,
    data: Data,
    fold: Fold,
    json: Json,
    compare: Annotated[
        Path | None, Option(metavar="BUNDLE", help="also test which of the two ranks better")
    ] = None,
    ray: OnRay = None,
) -> None:
    """Measure a bundle on a fold."""
    from protoecg.bundle import load_bundle
    from training.measure.evaluate import evaluate
    from training.measure.evaluation_words import summary

    other = load_bundle(compare) if compare else None
    results = evaluate(load_bundle(bundle), data, fold, other, engine_at(ray))
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def faithfulness(
    bundle: Bundle,
    data: Data,
    fold: Fold,
    json: Json,
    data500: Annotated[
        Path | None, Option(help="folder that holds records500; else that of --data")
    ] = None,
) -> None:
    """Measure whether a bundle's explanations are true."""
    from protoecg.bundle import load_bundle
    from training.measure.faithfulness import faithfulness, table

    results = faithfulness(load_bundle(bundle), data, fold, data500 or data)
    write_json(json, results)
    sys.stdout.write(f"{results['n']} ECGs of fold {fold}\n\n{table(results)}\n")


@app.command()
def first_view(
    bundle: Bundle,
    data: Data,
    fold: Fold,
    json: Json,
    n: Annotated[int, Option("--n", help="ECGs drawn, and of each statement at most")] = 400,
) -> None:
    """Measure what an explanation shows first, and how its first cases look."""
    from protoecg.bundle import load_bundle
    from training.measure.first_view import measure, table

    results = measure(load_bundle(bundle), data, fold, n)
    write_json(json, results)
    sys.stdout.write(table(results))


@app.command()
def abstention(bundle: Bundle, data: Data, fold: Fold, json: Json) -> None:
    """Measure how often a bundle abstains, from ordinary and spoiled ECGs."""
    from protoecg.bundle import load_bundle
    from training.measure.abstention import measure, summary

    results = measure(load_bundle(bundle), data, fold)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command("known_changes")
def known_changes(
    bundle: Bundle,
    data: Data,
    fold: Fold,
    json: Json,
    n: Annotated[int, Option("--n", help="normal ECGs drawn")] = 60,
) -> None:
    """Measure whether a bundle names what was put into normal ECGs."""
    from protoecg.bundle import load_bundle
    from training.measure.known_changes.measure import measure, summary

    results = measure(load_bundle(bundle), data, fold, n)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def evidence(bundle: Bundle, data: Data, fold: Fold, json: Json) -> None:
    """Measure which prototypes lead findings, and what measurements give them."""
    from protoecg.bundle import load_bundle
    from training.measure.evidence import measure, summary

    results = measure(load_bundle(bundle), data, fold)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def practice(bundle: Bundle, data: Data, fold: Fold, json: Json) -> None:
    """Measure how far what reports call, and leave out, bounds what calls are worth."""
    from protoecg.bundle import load_bundle
    from training.measure.practice import measure, summary

    results = measure(load_bundle(bundle), data, fold)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def guards(
    data: Data,
    fold: Fold,
    json: Json,
    bundle: Annotated[Path | None, Option(help="of which to count what it leaves unnamed")] = None,
) -> None:
    """Count how often measurements contradict a label, or stand out that none speaks of."""
    from protoecg.bundle import load_bundle
    from training.measure.guards import measure, summary

    results = measure(data, fold, load_bundle(bundle) if bundle else None)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def quality(
    data: Data,
    folds: Folds,
    json: Json,
    n: Annotated[int, Option("--n", help="ECGs drawn")] = 300,
) -> None:
    """Measure the warnings of poor recordings, on ordinary and spoiled ECGs."""
    from training.measure.quality import measure, summary

    results = measure(data, folds, n)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def card(
    bundle: Bundle,
    faithfulness: Annotated[Path | None, Option(help="of this bundle")] = None,
    baseline_faithfulness: Annotated[
        Path | None, Option(help="of the published rule's bundle")
    ] = None,
    abstention: Annotated[Path | None, Option(help="of this bundle")] = None,
    known_changes: Annotated[Path | None, Option(help="of this bundle")] = None,
    practice: Annotated[Path | None, Option(help="of this bundle")] = None,
    ablations: Annotated[Path | None, Option(help="what each rule costs or gains")] = None,
    evaluation: Annotated[list[Path] | None, Option(help="of this bundle, one a fold")] = None,
) -> None:
    """Add measurements to a bundle's model card."""
    from protoecg.bundle import load_bundle
    from training.measure.card import add

    files = {
        "faithfulness": faithfulness,
        "baseline_faithfulness": baseline_faithfulness,
        "abstention": abstention,
        "known_changes": known_changes,
        "practice": practice,
        "ablations": ablations,
    }
    parts = add(load_bundle(bundle), files, evaluation or [])
    sys.stdout.write(f"The card of {bundle} holds: {', '.join(parts) or 'nothing'}\n")


@app.command()
def audit(
    bundle: Bundle,
    data: Data,
    csv: Annotated[Path, Option("--csv", help="file for the list")],
    most: Annotated[int, Option(help="labels to list")] = 1000,
) -> None:
    """Rank labels that may be wrong, by the training ECGs of other patients."""
    from protoecg.bundle import load_bundle
    from protoecg.storage.spreadsheet import harmless
    from training.measure.audit import audit

    found = audit(load_bundle(bundle), data).head(most)
    found.assign(report=found["report"].map(harmless)).to_csv(csv, index=False)
    sys.stdout.write(f"{len(found)} doubtful labels in {csv}.\n")


@app.command()
def recall(
    bundle: Bundle,
    data: Data,
    fold: Annotated[int, Option(help="of the patients' ECGs")],
    json: Json,
    n: Annotated[int, Option("--n", help="windows drawn")] = 200,
    branch: Literal["rhythm", "morphology", "global"] = "morphology",
) -> None:
    """Measure what that index misses and rounds."""
    from protoecg.bundle import load_bundle
    from training.measure.recall import recall, summary

    results = recall(load_bundle(bundle), data, fold, n, branch)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def repeats(
    bundle: Bundle,
    data: Data,
    folds: Folds,
    json: Json,
    n: Annotated[int, Option("--n", help="pairs drawn")] = 1000,
) -> None:
    """Measure how much two ECGs of a patient differ where no label changed."""
    from protoecg.bundle import load_bundle
    from training.measure.repeats import measure, summary

    results = measure(load_bundle(bundle), data, folds, n)
    write_json(json, results)
    sys.stdout.write(summary(results))


@app.command()
def ludb(data: Annotated[Path, Option(help="folder of the unpacked LUDB")], json: Json) -> None:
    """Compare the measurements with LUDB's experts."""
    from training.measure.ludb import evaluate, summary

    results = evaluate(data)
    write_json(json, results)
    sys.stdout.write(summary(results))
