"""`python -m review_db study`: reader studies made, started, changed as they run, and ended."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from protoecg import command_line
from protoecg.storage.files import toml_text
from review_db.commands.shared import Database, as_it_stands, opened, show
from review_db.findings.opening import take_look
from review_db.studies import design
from review_db.studies.design import DesignError, design_from_toml
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import (
    StudyInfo,
    create_study,
    start_study,
    studies,
    study_info,
    study_protocol,
)
from review_db.studies.running import add_reviewer, close_study, reopen_study, withdraw
from review_db.studies.seats import new_key

ACTOR = "command line"
Study = Annotated[str, Argument(metavar="STUDY", help="its name")]

Reviewer = Annotated[str, Argument(metavar="REVIEWER", help="the reviewer's code")]
Reason = Annotated[str, Option(metavar="TEXT", help="why; kept in the study's trail")]


study = command_line.commands("Make, start, run and list reader studies.")


@study.command(epilog=as_it_stands(design.__doc__ or ""))
def create(
    settings: Annotated[Path, Argument(metavar="STUDY.toml", help="the design, see below")],
    bundle: Annotated[Path, Option(metavar="DIR", help="folder of the bundle")],
    cases: Annotated[
        Path | None,
        Option(metavar="JSON", help="matches, pairs, readings, and ecgs for random windows"),
    ] = None,
    database: Database = None,
) -> None:
    """Make a study of a bundle's prototypes, or make one anew that has not started."""
    with opened(database, create=True) as engine:
        planned = design_from_toml(_text(settings))
        made = create_study(engine, planned, bundle_material(bundle, cases))
    show([f"{planned.name}: {made.items} items of {made.bundle}. Start it with `study start`."])


@study.command()
def start(name: Study, database: Database = None) -> None:
    """Settle a study and print its reviewers' keys."""
    # It reads ECGs, of all formats, which no other command needs.
    from review_db.studies.items.pictures import study_pictures

    with opened(database) as engine:
        info = study_info(engine, name)
        pictures = study_pictures(info.bundle, info.fingerprint)
        keys = start_study(engine, name, pictures.refuse_undrawable, actor=ACTOR)
    show(f"{reviewer}  {key}" for reviewer, key in keys.items())


@study.command()
def key(
    name: Study,
    reviewer: Annotated[str, Argument(metavar="REVIEWER", help="whose old key ends")],
    database: Database = None,
) -> None:
    """Give a reviewer another key."""
    with opened(database) as engine:
        show([f"{reviewer}  {new_key(engine, name, reviewer, actor=ACTOR)}"])


@study.command()
def protocol(name: Study, database: Database = None) -> None:
    """Print what a study declares, as it is kept from its start on, and its SHA-256."""
    with opened(database) as engine:
        text, digest = study_protocol(engine, name)
    show([text, f"SHA-256 {digest}"])


@study.command()
def add(name: Study, reviewer: Reviewer, reason: Reason, database: Database = None) -> None:
    """Add a reviewer to a study that has started, and print their key."""
    with opened(database) as engine:
        show([f"{reviewer}  {add_reviewer(engine, name, reviewer, actor=ACTOR, reason=reason)}"])


@study.command("withdraw")
def withdraw_reviewer(
    name: Study, reviewer: Reviewer, reason: Reason, database: Database = None
) -> None:
    """End a reviewer's part: their answers are kept, and count in no analysis."""
    with opened(database) as engine:
        withdraw(engine, name, reviewer, actor=ACTOR, reason=reason)


@study.command()
def look(
    name: Study,
    reason: Annotated[str, Option(metavar="TEXT", help="why, where no look is due")] = "",
    database: Database = None,
) -> None:
    """Open the results of this moment before the end; the trail keeps that, and the export says."""
    with opened(database) as engine:
        seen = take_look(engine, name, actor=ACTOR, reason=reason)
    show([seen.words, f"alpha {seen.alpha:g}; `export --study {name}` holds the estimates"])


@study.command()
def close(name: Study, database: Database = None) -> None:
    """End a study: nobody answers any more."""
    with opened(database) as engine:
        close_study(engine, name, actor=ACTOR)


@study.command()
def reopen(name: Study, reason: Reason, database: Database = None) -> None:
    """Let the reviewers of a closed study answer again."""
    with opened(database) as engine:
        reopen_study(engine, name, actor=ACTOR, reason=reason)


@study.command("list")
def list_studies(database: Database = None) -> None:
    """List all studies."""
    with opened(database) as engine:
        show(map(_summary, studies(engine)))


def _summary(info: StudyInfo) -> str:
    started = f"started {info.started_at:%Y-%m-%d}" if info.started_at else "not started"
    reviewers = len(info.design.reviewers)
    return (
        f"{info.design.name}  {info.bundle}  {info.items} items  {reviewers} reviewers  {started}"
    )


def _text(file: Path) -> str:
    try:
        return toml_text(file)
    except (OSError, ValueError) as error:
        raise DesignError(f"{file} cannot be read: {error}.") from error
