"""How a worker is started, here or on another machine, and how what stopped it from starting is explained."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from faa_core.errors import WorkerError

COMMAND = (sys.executable, "-P", "-m", "faa_core.worker")
"""The worker on this machine: this Python, without the working directory on its path."""


class Launch(Protocol):
    """Where a worker runs, and how it is started there."""

    @property
    def host(self) -> str:
        """Name of the machine as the user wrote it; "" for this one."""

    def command(self, nonce: str) -> tuple[str, ...]:
        """Program and arguments that start a worker whose greeting repeats ``nonce``.

        Raises:
            HostError: The machine's name cannot be used.
        """

    def failure(self, code: int, printed: str) -> WorkerError | None:
        """What an end without a greeting means, where this launch knows better than `process.exit_words`.

        Args:
            code: Exit code of the command.
            printed: End of what it wrote to standard error.
        """


@dataclass(frozen=True)
class LocalLaunch:
    """A worker on this machine."""

    program: Sequence[str] = COMMAND
    host: str = ""

    def command(self, nonce: str) -> tuple[str, ...]:
        """The program with the nonce behind it."""
        return (*self.program, "--nonce", nonce)

    def failure(self, code: int, printed: str) -> WorkerError | None:
        """Nothing that the exit code does not say."""
        return None
