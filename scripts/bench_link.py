"""How long an answer of a worker on another machine takes while 64 MiB come from it, and how fast they come.

``python scripts/bench_link.py [HOST]`` measures the connection to HOST as ``faa`` would make it; without one, a worker
here that is treated like a remote one as far as its bytes go.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faa_core.worker import protocol
from faa_core.worker.client import ArrayReady, ClientEvent, WorkerClient
from faa_core.worker.launch import LocalLaunch
from faa_core.worker.ssh import HostEntry, SshLaunch

ROWS, COLUMNS = 4096, 8192
TRANSFERS = 12
"""Of 64 MiB each."""


@dataclass(frozen=True)
class Tuned(LocalLaunch):
    """A worker here that is taken for one on another machine."""

    host: str = "here"


class Client(WorkerClient):
    """A client that notes when the first piece of an array comes: before that, the worker still cuts the tile."""

    began = 0.0

    def _acknowledge(self, nbytes: int) -> None:
        self.began = self.began or time.perf_counter()
        super()._acknowledge(nbytes)


class Listening:
    """A client, and what came from its worker."""

    def __init__(self, host: str | None, worker: str) -> None:
        self._changed = threading.Condition()
        self._events: list[ClientEvent] = []
        self.client = Client(self._take, Tuned() if host is None else SshLaunch(host, HostEntry(command=worker)))

    def _take(self, event: ClientEvent) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def heard(self, wanted: type, id: int) -> bool:
        """Whether an event of a type came for a job, or a ping."""
        return any(
            isinstance(event, wanted) and id in (getattr(event, "id", None), getattr(event, "token", None))
            for event in self._events
        )

    def do(self, job: protocol.Job) -> None:
        """Send a job and wait for its end."""
        self.client.send(job)
        with self._changed:
            self._changed.wait_for(lambda: self.heard(protocol.Done | protocol.Fail, job.id), 600)  # type: ignore[arg-type]
        if self.heard(protocol.Fail, job.id):
            sys.exit(next(event.text for event in self._events if isinstance(event, protocol.Fail)))

    def ping(self, token: int) -> float:
        """Milliseconds until a ping is answered."""
        begun = time.perf_counter()
        self.client.send(protocol.Ping(token))
        with self._changed:
            self._changed.wait_for(lambda: self.heard(protocol.Pong, token), 60)
            self._events = [event for event in self._events if not isinstance(event, protocol.Pong)]
        return 1e3 * (time.perf_counter() - begun)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host", nargs="?")
    parser.add_argument("--worker", default="faa worker", help="command that starts the worker there")
    parser.add_argument(
        "--file", help="a .npy of float16 [1, 4096, 8192] on that machine; made here where it is left out"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or str(Path(folder) / "map.npy")
        if not arguments.file:
            np.save(path, np.random.default_rng(0).dirichlet(np.ones(COLUMNS), (1, ROWS)).astype(np.float16))
        listening = Listening(arguments.host, arguments.worker)
        client = listening.client
        with client:
            client.start(60)
            listening.do(protocol.Run(1, path, "any"))
            idle = [listening.ping(token) for token in range(10_000, 10_200)]
            during, seconds = [], []
            for id_ in range(2, 2 + TRANSFERS):
                client.began = 0.0
                client.send(protocol.Tile(id_, 1, "cross", 0, 0, 0, 0, ROWS, 0, COLUMNS))
                token = 20_000
                while not listening.heard(ArrayReady, id_):
                    token += 1
                    taken = listening.ping(token)
                    if client.began:
                        during.append(taken)
                seconds.append(time.perf_counter() - client.began)
    figures = {
        "ping_idle_ms": statistics.median(idle),
        "ping_transfer_ms": statistics.median(during),
        "ping_transfer_p90_ms": statistics.quantiles(during, n=10)[-1],
        "transfer_mib_s": 64 / statistics.median(seconds),
    }
    print(
        json.dumps(figures) if arguments.json else "\n".join(f"{key:22} {value:.2f}" for key, value in figures.items())
    )


if __name__ == "__main__":
    main()
