"""How every command line of the project runs: one line for bad input, and its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import typer

from protoecg.storage.files import in_words

# What a program that Ctrl-C ended exits with: 128 and the number of the signal.
INTERRUPTED = 130
STOPPED = "Stopped. Run the same command again to go on from here.\n"


def commands(about: str) -> typer.Typer:
    """Return a command line to add commands to; `about` is what its help says first."""
    return typer.Typer(
        help=about,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        # Keeps a line of only one command a line of commands.
        callback=lambda: None,
    )


def run(
    app: typer.Typer,
    arguments: Sequence[str] | None,
    *,
    name: str,
    errors: Callable[[], tuple[type[Exception], ...]],
) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    arguments : those of the process by default
    name : how a person calls the program, such as `"python -m protoecg"`
    errors : returns the exceptions whose message is for a person, beside those of files and
        folders: one line on standard error, and exit code 1. Asked only when one is met, as some
        live in modules that are slow to load

    Returns
    -------
    0 done, 1 bad input, 2 no such command or option, 130 stopped by Ctrl-C
    """
    if sys.stdout is None:
        typer.echo("Standard output is closed: there is nowhere to print to.", err=True)
        return 1
    try:
        typer.main.get_command(app).main(arguments, name)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            sys.stderr.write(STOPPED)
        return int(end.code or 0)
    except Exception as error:
        # Disks fill and folders may not be written to, whatever a command does.
        if not isinstance(error, (*errors(), OSError)):
            raise
        sys.stderr.write(f"{' '.join(in_words(error).split())}\n")
        return 1
    return 0
