"""Keeps the protocol's descriptors from everything that prints.

Python's ``print``, C's ``puts``, progress bars and driver libraries all write to descriptor 1, and any of them
would break a protocol that lived there (NCCL, for one, announces its version on standard output).
"""

from __future__ import annotations

import fcntl
import io
import os
import sys
from typing import IO, NamedTuple

_FIRST_PRIVATE = 3


class Channel(NamedTuple):
    """The two ends of the protocol, on descriptors that nothing else in the process knows."""

    input: IO[bytes]
    output: IO[bytes]


def claim() -> Channel:
    """Move standard input and output to private descriptors, and give the process others in their place.

    Afterwards descriptor 0 is ``/dev/null`` and descriptor 1 the same file as descriptor 2. Standard output goes
    to standard error, which the client drains, and not to a pipe read by this process: a C library that prints
    more than a pipe holds while it has the interpreter's lock would wait for its own reader for ever.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.flush()
        sys.stdout.reconfigure(line_buffering=True)  # a line printed before a crash must not die in a buffer
    source = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _FIRST_PRIVATE)
    target = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, _FIRST_PRIVATE)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Channel(os.fdopen(source, "rb"), os.fdopen(target, "wb"))
