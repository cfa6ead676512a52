"""``python -m faa_core.worker``: the worker process. A client starts it; a person has no use for it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

_NONCE_LENGTH = 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the client on standard input and output; returns the exit code."""
    parser = argparse.ArgumentParser("faa worker", description="Serves faa over standard input and output.")
    parser.add_argument("--nonce", default="", help="repeated in the greeting, so that the client finds it")
    nonce: str = parser.parse_args(arguments).nonce
    if nonce and not (len(nonce) <= _NONCE_LENGTH and nonce.isascii() and nonce.isalnum()):
        parser.error(f"a nonce has at most {_NONCE_LENGTH} letters and digits")
    if os.isatty(0):
        print("faa worker speaks to the faa program through pipes; in a terminal, start faa instead.", file=sys.stderr)
        return 2

    from faa_core.worker.server import make_engine, serve

    return serve(make_engine, nonce)


if __name__ == "__main__":
    # Not sys.exit: the threads that wait on the pipes need not be asked.
    os._exit(main())
