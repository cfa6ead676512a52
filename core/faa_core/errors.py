"""The one family of errors that faa raises on purpose.

Every message says what happened and where; ``hint`` says what to do next. The command line prints both without a
traceback, the worker sends both over the wire, and the application shows both.
"""

from __future__ import annotations


class FaaError(Exception):
    """Base of every error that a user can cause or cure.

    Args:
        message: What happened and where, one sentence.
        hint: What to do next, one sentence; may be empty where the message already says it.
    """

    kind = "error"
    """Short stable name that travels in the protocol and in JSON."""
    retry = False
    """Whether the same request may succeed when it is simply made again."""
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(FaaError):
    """The request itself is wrong: a bad reference, an empty text, a head that does not exist."""

    kind = "usage"
    exit_code = 2


class ModelError(FaaError):
    """The model cannot be found, loaded or run."""

    kind = "model"


class NoAttentionError(ModelError):
    """The model has no attention that could be shown, for example a pure state-space model."""

    kind = "no-attention"


class NetworkError(ModelError):
    """The hub cannot be reached."""

    kind = "network"
    retry = True
    exit_code = 3


class TextError(UsageError):
    """The text cannot be analysed: empty, or longer than the context of the model."""

    kind = "text"


class ArrayFileError(UsageError):
    """An attention file cannot be read as attention."""

    kind = "array-file"


class FileError(UsageError):
    """A file cannot be written: its folder is read-only, the disk is full."""

    kind = "file"
    exit_code = 1


class StoreError(FaaError):
    """The file of kept runs cannot be used."""

    kind = "store"


class DamagedStoreError(StoreError):
    """The file of kept runs was damaged, and has been moved aside; a new one can be begun."""

    # No kind of its own: it never travels.


class OutOfMemoryError(FaaError):
    """The device or the host ran out of memory; the run was given up and its memory released."""

    kind = "out-of-memory"
    retry = True
    exit_code = 3


class Cancelled(FaaError):  # it reports a wish that was granted, not a fault
    """The user cancelled the job."""

    kind = "cancelled"
    exit_code = 130


class WorkerError(FaaError):
    """The worker process could not be started, died, or broke the protocol."""

    kind = "worker"
    retry = True
    exit_code = 3


class HostError(WorkerError):
    """Another machine cannot be reached, or cannot run a worker."""

    kind = "host"


class HostSetupError(HostError):
    """Another machine can be reached, and something must be put right before it can be used."""

    # No kind of its own: it is a fault of a host, and only never cures itself.
    retry = False
    exit_code = 1


class LoginError(HostError):
    """The machine wants something that only a person can give: a password, a second factor, a new host key."""

    kind = "login"
    retry = False
    exit_code = 1


class GoneError(UsageError):
    """What was asked about is not kept any more: the maps of a run that was released or evicted."""

    kind = "gone"


def by_kind(kind: str) -> type[FaaError]:
    """Class of the error named ``kind`` in a protocol message; `FaaError` for a name this version does not know."""
    pending: list[type[FaaError]] = [FaaError]
    while pending:
        candidate = pending.pop()
        if candidate.__dict__.get("kind") == kind:
            return candidate
        pending.extend(candidate.__subclasses__())
    return FaaError
