"""The command line: `art-segplugin --help`."""

import os
import sys
import traceback

import typer
from rich.markup import escape

from art_segplugin import __version__
from art_segplugin.cli import (
    adjust,
    attack,
    attacks,
    demo,
    diagnose,
    evaluate,
    gui,
    models,
    replay,
    train,
)
from art_segplugin.cli.console import errors, warnings_told
from art_segplugin.errors import InputError, ModelError, out_of_memory
from art_segplugin.files import keep_traceback

INTERRUPTED = 130  # what typer exits with after Ctrl-C
IN_ONE_PROCESS = ("demo", "attack", "evaluate", "diagnose", "adjust", "replay")
"""Commands that several processes would all do from beginning to end, into the same files."""

app = typer.Typer(
    help="Can your segmentation model be fooled? Attack it, measure it, train it.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=attack.EXAMPLES)(attack.attack)
app.command(epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command(epilog=diagnose.EXAMPLES)(diagnose.diagnose)
app.command(epilog=train.EXAMPLES)(train.train)
app.command(epilog=adjust.EXAMPLES)(adjust.adjust)
app.command(epilog=replay.EXAMPLES)(replay.replay)
app.command(context_settings=gui.PASSED_ON)(gui.gui)
app.add_typer(models.app, name="models")
app.command()(attacks.attacks)


@app.callback(invoke_without_command=True)
def _before_all(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version."),
) -> None:
    if version:
        typer.echo(f"art-segplugin {__version__}")
        raise typer.Exit
    processes, command = os.environ.get("WORLD_SIZE", "1"), context.invoked_subcommand
    if command in IN_ONE_PROCESS and processes not in ("", "0", "1"):
        raise InputError(
            f"`{command}` runs in one process and WORLD_SIZE is {processes}; start it without "
            "torchrun, or unset WORLD_SIZE. Only `train` uses several processes."
        )


def main() -> None:
    """Run a command; what goes wrong is said in one sentence, with an exit status other than 0.

    The status is 2 where something given cannot be used, and 1 where something unforeseen was raised,
    by a model above all, whose traceback goes into a file.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings_told():
            app()
    except ModelError as error:
        _fail(f"{error}{_traceback_kept(error)}", 1)
    except InputError as error:
        _fail(str(error), 2)
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        _fail(
            "Stopped; every file written so far is whole. "
            "`evaluate` and `diagnose` go on where they were with --resume, "
            "`train` from its last saved step.",
            INTERRUPTED,
        )
    except Exception as error:
        _fail(*_unforeseen(error))


def _unforeseen(error: Exception) -> tuple[str, int]:
    """What to say of an error that nobody made into a sentence, and the exit status."""
    words = " ".join(str(error).split())
    if out_of_memory(error):
        return (
            f"the memory does not suffice ({words[:200] or type(error).__name__}): give a smaller "
            "--batch-size, smaller images with --scale, or --device cpu if the graphics card is full.",
            1,
        )
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"the system said: {error.strerror or error}{where}.", 2
    return f"{type(error).__name__}: {words[:300] or 'no message'}.{_traceback_kept(error)}", 1


def _traceback_kept(error: Exception) -> str:
    """Where its traceback is; printed where no file can be written."""
    path = keep_traceback(error)
    if path is None:
        traceback.print_exception(error)
        return ""
    return f" The traceback is in {path}."


def _fail(message: str, status: int) -> None:
    text = f"[bold red]error:[/] {escape(message)}"  # a path may hold what looks like markup
    errors().print(text, highlight=False, soft_wrap=True)
    sys.exit(status)
