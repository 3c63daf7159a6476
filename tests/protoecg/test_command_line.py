import errno

import pytest
import typer

from protoecg.command_line import commands, run


class Refused(Exception):
    pass


def program(command):
    app = commands("What it is for.")
    app.command()(command)
    return lambda *arguments: run(app, arguments, name="prog", errors=lambda: (Refused,))


def test_a_command_that_is_done_exits_with_zero(capsys):
    def go(n: int = 1) -> None:
        typer.echo(n + 1)

    assert program(go)("go", "--n", "2") == 0
    assert capsys.readouterr().out == "3\n"


def test_what_is_refused_gets_one_line_and_exits_with_one(capsys):
    def go() -> None:
        raise Refused("the file\n  is empty")

    assert program(go)("go") == 1
    assert capsys.readouterr() == ("", "the file is empty\n")


def test_a_fault_of_the_program_is_no_bad_input():
    def go() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        program(go)("go")


def test_a_disk_that_is_full_gets_one_line_whatever_the_program(capsys):
    def go() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out.csv")

    assert program(go)("go") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("There is no room left to write out.csv")


def test_nothing_is_done_where_nothing_can_be_printed(monkeypatch, capsys):
    def go() -> None:
        raise AssertionError("must not run")

    monkeypatch.setattr("sys.stdout", None)
    assert program(go)("go") == 1
    assert "closed" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on_and_exits_as_a_shell_expects(capsys):
    def go() -> None:
        raise KeyboardInterrupt

    assert program(go)("go") == 130
    assert "same command" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["dance"], ["go", "--n", "two"], ["go", "--m", "2"]])
def test_a_misspelt_command_is_a_usage_error(arguments, capsys):
    def go(n: int = 1) -> None:
        raise AssertionError("must not run")

    assert program(go)(*arguments) == 2
    assert "Usage: prog" in capsys.readouterr().err


def test_help_says_what_the_program_and_its_commands_are_for(capsys):
    def go() -> None:
        """Does it."""

    assert program(go)("--help") == 0
    printed = capsys.readouterr().out
    assert "What it is for." in printed and "Does it." in printed
