"""The ``faa`` command: which subcommand is meant, and how its errors are told.

Nothing heavy is imported here: ``faa --help`` answers before Textual or NumPy could be read from disk.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from faa_core import __version__
from faa_core.errors import FaaError, FileError

if TYPE_CHECKING:
    from argparse import Namespace, _MutuallyExclusiveGroup

    from faa_core.worker.protocol import RunOptions
    from faa_tui.colour import Display

COMMANDS = {
    "analyze": "measure every head of a model on one text: a table, or JSON with --json",
    "examine": "measure one head at length: spectrum, lacunarity, surface, rank, coverage",
    "compare": "compare models head by head: what differs, how much, and whether that is more than chance",
    "report": "write a run or a comparison as one HTML file that opens offline",
    "show": "print the attention map of one head as a colour grid",
    "runs": "list, show, export, note and delete the runs that are kept",
    "explain": "say what a number is, how it is estimated and how far it can be trusted: faa explain D1",
    "study": "run a study again: 1.0.0 beside the corrected numbers, or accuracy beside its goals",
    "doctor": "say what was found here: devices, versions, terminal, paths, checks",
    "worker": "the engine behind the application; it speaks its protocol on stdin and stdout",
}

DESCRIPTION = """\
Look at the attention of a transformer in the terminal, and measure its geometry beside its null.

commands:
{commands}

Without a command, the application opens on MODEL, or on a comparison of several.
'faa COMMAND --help' tells more about a command.
"""

MODEL_HELP = (
    "demo (bundled), demo@init (the same architecture, untrained), a folder, a name on the Hugging Face hub such as "
    "gpt2 or meta-llama/Llama-3.2-1B@main, or a file of attention (.npy, .npz, .safetensors); with HOST: before it, on "
    "that machine, through your own ssh"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faa`` with ``argv``, by default that of the process.

    Returns:
        The exit code: 0 ok, 1 failed, 2 wrong usage, 3 worth retrying, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments and arguments[0] in COMMANDS:
            return _command(arguments[0], arguments[1:])
        return _application(arguments)
    except FaaError as error:
        _tell(error, verbose="--verbose" in arguments)
        return error.exit_code
    except KeyboardInterrupt:
        print("faa: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the pipe has seen enough.
        _close_output()
        return 0
    except OSError as error:
        from faa_core.export.files import DISK_FULL

        if error.errno not in DISK_FULL:
            raise
        # Whoever writes to a file says its name; this is where standard output leads to.
        _close_output()
        said = f"Standard output cannot be written: {error.strerror}."
        full = FileError(said, "Make room, or send it to another disk.")
        _tell(full, verbose="--verbose" in arguments)
        return full.exit_code


def _close_output() -> None:
    """Standard output leads nowhere any more; flushing it at exit must not raise a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(name: str, arguments: list[str]) -> int:
    if name == "worker":
        # The one place where this process becomes the engine; by name, because the screen never imports it.
        sys.argv = ["faa worker", *arguments]
        runpy.run_module("faa_core.worker", run_name="__main__", alter_sys=True)
        return 0
    code = int(importlib.import_module(f"faa_tui.cli.{name}").run(arguments))
    sys.stdout.flush()  # a full disk may say so only now
    return code


def _application(arguments: list[str]) -> int:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = ArgumentParser(
        prog="faa",
        usage="faa [MODEL [MODEL ...]] [options]\n       faa COMMAND ...",
        description=DESCRIPTION.format(commands=listing),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"{MODEL_HELP}; two to four open side by side")
    add_text_options(parser)
    add_run_options(parser)
    add_display_options(parser)
    parser.add_argument(
        "--no-mouse", action="store_true", help="leave the mouse to the terminal, which then selects text; so does %%"
    )
    parser.add_argument("--version", action="version", version=f"faa {__version__}")
    options = parser.parse_args(arguments)

    from faa_core import reference
    from faa_tui import app
    from faa_tui.cli.text import given_text
    from faa_tui.comparing import MOST_SIDES

    models = options.models or [reference.DEMO]
    if len(models) > MOST_SIDES:
        parser.error(f"{len(models)} models were named, and {MOST_SIDES} fit side by side")
    for model in models:
        reference.parse(model)
    text, shown, asked = given_text(options.text, options.file), display_of(options), run_options_of(options)
    # Whoever gives a text or options has a purpose, or is a script.
    newcomer = text is None and asked == type(asked)() and len(models) == 1
    return app.run(
        models[0],
        text,
        asked,
        others=models[1:],
        display=shown,
        mouse=not options.no_mouse,
        newcomer=newcomer,
        restore=text is None and not options.models,
    )


def add_text_options(parser: ArgumentParser) -> _MutuallyExclusiveGroup:
    """Add ``--text`` and ``--file``, of which at most one may be given; returns the group, for others like them."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--text", help="the text to analyse")
    group.add_argument("--file", metavar="PATH", help="read the text from a file; - for standard input")
    return group


def add_run_options(parser: ArgumentParser) -> None:
    """Add the options that become `faa_core.worker.protocol.RunOptions`, and ``--verbose``."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: auto)")
    parser.add_argument(
        "--dtype",
        default="auto",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="number format of the weights (default: auto, float32 on a CPU)",
    )
    parser.add_argument("--truncate", action="store_true", help="cut a text that is longer than the model's context")
    parser.add_argument(
        "--max-gpu-memory",
        type=gibibytes,
        default=0,
        metavar="GIB",
        help="most memory of the device that a worker may take, in GiB (default: what is free)",
    )
    parser.add_argument("--verbose", action="store_true", help="show the traceback of an error")


def add_display_options(parser: ArgumentParser) -> None:
    """Add ``--color`` and ``--ascii``, which `display_of` reads."""
    parser.add_argument(
        "--color",
        choices=("auto", "truecolor", "256", "16", "none"),
        default="auto",
        help="colours of the terminal (default: auto; 'faa doctor' says what that is and why)",
    )
    parser.add_argument("--ascii", action="store_true", help="write nothing but ASCII")


def display_of(options: Namespace) -> Display:
    """What the terminal can show, by what `add_display_options` read and the environment."""
    from faa_tui.colour import own_display

    return own_display(options.color, options.ascii)


def gibibytes(text: str) -> int:
    """Bytes of an amount in GiB, such as ``7.5``.

    Raises:
        ValueError: It is no amount of memory.
    """
    nbytes = int(float(text) * 1024**3)
    if nbytes <= 0:
        raise ValueError(text)
    return nbytes


def run_options_of(options: Namespace) -> RunOptions:
    """What `add_run_options` read."""
    from faa_core.worker.protocol import RunOptions

    return RunOptions(options.device, options.dtype, options.truncate, options.max_gpu_memory)


def _tell(error: FaaError, verbose: bool) -> None:
    from faa_tui.rendering.text import visible

    if verbose:
        import traceback

        traceback.print_exception(error)
    print(f"faa: {visible(error.message)}", file=sys.stderr)
    if error.hint:
        print(f"     {visible(error.hint)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
