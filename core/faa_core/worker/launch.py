"""How a worker is started, here or on another machine, and how what stopped it from starting is explained."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from faa_core import __version__
from faa_core.errors import WorkerError

COMMAND = (sys.executable, "-P", "-m", "faa_core.worker")
"""The worker on this machine: this Python, without the working directory on its path."""

REQUIREMENT = f"faa-tui=={__version__}"
"""What pip must install where a worker is to fit this program."""


class Launch(Protocol):
    """Where a worker runs, and how it is started there."""

    @property
    def host(self) -> str:
        """Name of the machine as the user wrote it; "" for this one."""

    @property
    def program(self) -> Sequence[str]:
        """What a person would type to start the worker; shown, and never run."""

    @property
    def install(self) -> str:
        """What a person would type here to install this version of faa there."""

    def command(self, nonce: str) -> tuple[str, ...]:
        """Program and arguments that start a worker whose greeting repeats ``nonce``.

        Raises:
            HostError: The machine's name cannot be used, or ``ssh`` is missing here.
        """

    def failure(self, code: int | None, printed: str) -> WorkerError | None:
        """What an end without a greeting means, where this launch knows better than `process.exit_words`.

        Args:
            code: Exit code of the command; ``None`` if it was given up because it took too long.
            printed: What it wrote instead: the end of its standard error, and what came before the greeting.
        """


@dataclass(frozen=True)
class LocalLaunch:
    """A worker on this machine."""

    program: Sequence[str] = COMMAND
    host: str = ""

    @property
    def install(self) -> str:
        """The usual command: whoever installed faa here knows into which environment."""
        return f"pip install {REQUIREMENT}"

    def command(self, nonce: str) -> tuple[str, ...]:
        """The program with the nonce behind it."""
        return (*self.program, "--nonce", nonce)

    def failure(self, code: int | None, printed: str) -> WorkerError | None:
        """Nothing that the exit code does not say."""
        return None


def as_launch(given: Launch | Sequence[str] | None) -> Launch:
    """A launch as it is; the program and arguments of a local worker, by default this Python's, as a launch."""
    if not given:
        return LocalLaunch()
    if isinstance(given, Sequence):
        return LocalLaunch(tuple(given))
    return given
