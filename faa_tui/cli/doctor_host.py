"""``faa doctor HOST``: the way to a worker on another machine, step by step to the first that fails."""

from __future__ import annotations

import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import msgspec
from rich.console import Console
from rich.text import Text

from faa_core import __version__
from faa_core.errors import FaaError, LoginError
from faa_core.worker import protocol
from faa_core.worker.greeting import dotted
from faa_core.worker.launch import REQUIREMENT
from faa_core.worker.session import Session, session
from faa_core.worker.ssh import SshLaunch
from faa_tui.cli.narration import log_in
from faa_tui.hosts import Hosts
from faa_tui.rendering.text import visible

OLDEST_PYTHON = (3, 11)
LEAST_DISK = 2 * 2**30
"""Free bytes below which hardly any model can be fetched."""

_SECONDS = 20.0
_PRINTED = 64 * 1024

_LOOK = """
import json, os, sys
home = os.path.expanduser("~")
cache = os.environ.get("HF_HUB_CACHE") or os.environ.get("HF_HOME") or os.path.join(home, ".cache", "huggingface")
place = os.path.abspath(os.path.expanduser(cache))
while not os.path.isdir(place):
    place = os.path.dirname(place)
disk = os.statvfs(place)
print(json.dumps({"python": list(sys.version_info[:3]), "executable": sys.executable, "cache": cache,
                  "free": disk.f_bavail * disk.f_frsize}))
"""
"""Runs on whatever Python there is, also on one that is too old for faa."""


class Step(msgspec.Struct, frozen=True):
    """One step of the way.

    Attributes:
        name: What it is about.
        passed: Whether it went well; after one that did not there is no other.
        text: What was found.
        hint: What to do, if it did not.
    """

    name: str
    passed: bool
    text: str
    hint: str = ""


class _Found(msgspec.Struct, frozen=True):
    """What the probe prints. The machine may print anything: it is checked, and shown escaped."""

    python: tuple[int, int, int]
    executable: str
    cache: str
    free: int


def examine_host(host: str, as_json: bool) -> int:
    """Run ``faa doctor HOST``: 0 when every step passes, 1 otherwise.

    Raises:
        UsageError: The configuration has a mistake.
    """
    hosts = Hosts()
    try:
        return _tell(hosts, host, as_json)
    finally:
        hosts.forget()


def _tell(hosts: Hosts, host: str, as_json: bool) -> int:
    console = Console(highlight=False, soft_wrap=True)
    steps = []
    for step in walk(hosts, host):
        steps.append(step)
        if not as_json:
            console.print(_line(step))
    passed = all(step.passed for step in steps)
    if as_json:
        found = {"host": host, "command": hosts.entry(host).command, "passed": passed, "steps": steps}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    return 0 if passed else 1


def walk(hosts: Hosts, host: str) -> Iterator[Step]:
    """The steps, each as soon as it is known: ssh, Python, faa, torch, GPU, disk, and the worker's own checks."""
    for step in _steps(hosts, host):
        yield step
        if not step.passed:
            return


def _steps(hosts: Hosts, host: str) -> Iterator[Step]:
    launch = SshLaunch(host, hosts.entry(host))
    asked = False
    began = time.perf_counter()
    try:
        try:
            found, gpus = _probe(launch)
        except LoginError:
            asked = log_in(hosts, host)
            if not asked:
                raise
            launch = SshLaunch(host, hosts.entry(host), hosts.socket(host))
            began = time.perf_counter()
            found, gpus = _probe(launch)
    except FaaError as error:
        yield Step("ssh", False, error.message, error.hint)
        return
    how = "after a login" if asked else "without a question"
    yield Step("ssh", True, f"{launch.destination} lets you in {how}, {_since(began)}")

    began = time.perf_counter()
    with ExitStack() as stack:
        try:
            worker = stack.enter_context(session(launch))
        except FaaError as error:
            yield from _without_worker(launch, found, error)
            return
        yield from _with_worker(launch, worker, began, found, gpus)


def _without_worker(launch: SshLaunch, found: _Found | None, error: FaaError) -> Iterator[Step]:
    """The worker does not greet: whether Python or faa is at fault."""
    if found is None:
        yield Step(
            "Python",
            False,
            "there is no Python that could be started",
            f"Install Python {dotted(OLDEST_PYTHON)} or newer there, and then faa: {launch.install}",
        )
        return
    version = dotted(found.python)
    if found.python[:2] < OLDEST_PYTHON:
        yield Step(
            "Python",
            False,
            f"{version} ({found.executable}) is too old",
            f"Make an environment there with Python {dotted(OLDEST_PYTHON)} or newer, install {REQUIREMENT} in it, and "
            f"name it: command = '~/venv/bin/faa worker' in [hosts.{launch.host}].",
        )
        return
    yield Step("Python", True, f"{version} ({found.executable})")
    yield Step("faa", False, error.message, error.hint)


def _with_worker(launch: SshLaunch, worker: Session, began: float, found: _Found | None, gpus: int) -> Iterator[Step]:
    """The worker has greeted, and knows best what it has."""
    hello = worker.hello
    yield Step("Python", True, hello.versions.get("python", "of unknown version"))
    theirs = f"{hello.versions.get('faa', '?')}, protocol {dotted(hello.protocol)}"
    ours = f"here {__version__}, protocol {dotted(protocol.VERSION)}"
    yield Step("faa", True, f"{theirs} ({ours}); the worker greeted, {_since(began)}")
    install_torch = launch.install.replace(REQUIREMENT, "torch")
    if "torch" not in hello.versions:
        yield Step("torch", False, "it is not installed there", f"Install it: {install_torch}")
        return
    began = time.perf_counter()
    try:
        report = worker.environment()
    except FaaError as error:
        yield Step("torch", False, error.message, error.hint or f"Install it again: {install_torch}")
        return
    yield Step("torch", True, f"{report.versions.get('torch', '?')}, imported and tried, {_since(began)}")
    yield _gpu(launch, report, gpus)
    yield _disk(launch, found)
    for name, passed, text in report.checks:
        yield Step(name, passed, text, "" if passed else "See 'faa doctor' on that machine.")


def _gpu(launch: SshLaunch, report: protocol.EnvironmentReport, gpus: int) -> Step:
    used = [line for line in report.devices if not line.startswith("cpu")]
    wanted = launch.entry.device
    if not used and (gpus or wanted.startswith(("cuda", "mps"))):
        text = f"torch sees none; the driver sees {gpus}" if gpus else f"none, and device = {wanted!r} asks for one"
        return Step(
            "GPU",
            False,
            text,
            "The torch there may be a build for CPUs, or newer than the driver: see pytorch.org for the one that "
            "fits; 'nvidia-smi' there says the driver's version."
            if gpus
            else f"Leave out device in [hosts.{launch.host}], or ask for a machine with a GPU.",
        )
    return Step("GPU", True, "; ".join(used) or "none: models run on the processor")


def _disk(launch: SshLaunch, found: _Found | None) -> Step:
    if found is None:
        return Step("disk", True, "not known: there is no Python outside the worker's own environment")
    text = f"{found.free / 2**30:.1f} GiB free for models in {found.cache}"
    cure = f"Free some, or let HF_HOME name another disk: environment in [hosts.{launch.host}]."
    return Step("disk", found.free >= LEAST_DISK, text, "" if found.free >= LEAST_DISK else cure)


def _probe(launch: SshLaunch) -> tuple[_Found | None, int]:
    """Log in once and look around: which Python there is, the room on its disk, and how many GPUs the driver sees.

    Raises:
        HostError: There is no connection, or no answer in time.
    """
    nonce = secrets.token_hex(8)
    look = f"exec({_LOOK!r})"  # on one line, which every login shell can quote
    # A subshell each time, so that nothing that fails can keep the rest from being told.
    script = (
        f"echo {nonce}; "
        f"(nvidia-smi -L 2>/dev/null || true) </dev/null; echo {nonce}; "
        f"for p in {launch.interpreters}; do $p -c {shlex.quote(look)} 2>/dev/null </dev/null && break; done; "
        f"echo {nonce}"
    )
    try:
        done = subprocess.run(
            launch.shell(script),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise launch.failure(None, (error.stderr or b"").decode(errors="replace")) from error
    printed = done.stdout[-_PRINTED:].decode(errors="replace")
    parts = printed.split(f"{nonce}\n")
    if len(parts) != 4:
        raise launch.failure(done.returncode, f"{parts[0]}\n{done.stderr[-4096:].decode(errors='replace')}")
    try:
        found = msgspec.json.decode(parts[2], type=_Found)
    except msgspec.DecodeError:
        found = None
    return found, sum(line.startswith("GPU ") for line in parts[1].splitlines())


_NAME = 24
"""Cells of a step's name: the longest are the checks of the worker."""


def _line(step: Step) -> Text:
    state = ("ok      ", "green") if step.passed else ("FAILED  ", "bold red")
    line = Text.assemble((f"{visible(step.name):<{_NAME}} ", "bold"), state, visible(step.text))
    if step.hint:
        line.append(f"\n{'':{_NAME + 1}}{visible(step.hint)}")
    return line


def _since(began: float) -> str:
    return f"{time.perf_counter() - began:.2f} s"
