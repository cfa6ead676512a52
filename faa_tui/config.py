"""Additions to the configuration of the user; `faa_core.configuration` reads it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from faa_core.configuration import key_of, load, parse, path
from faa_core.errors import UsageError
from faa_core.worker.ssh import HostEntry, is_host_name


def add_host(name: str, entry: HostEntry, file: Path | None = None) -> None:
    """Append a machine to the user's file, which is made if there is none, and is otherwise left as it is.

    Args:
        name: Its name in references.
        entry: What is known of it.
        file: By default that of `faa_core.configuration.path`.

    Raises:
        UsageError: The name cannot be one, is there already, or the file cannot be read or written.
    """
    file = (file or path()).resolve()  # a link, as to a folder of dotfiles, stays one
    if not is_host_name(name):
        raise UsageError(f"{name!r} is not the name of a host.", "Write [user@]name, as for ssh.")
    if name in load(file).hosts:
        raise UsageError(f"{file} has a host {name} already.", "Change it there.")
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
        after = before + gap + _table(name, entry)
        if parse(after, file).hosts.get(name) != entry:
            raise UsageError(f"{file} would not say what was meant.", "Add the host by hand.")
        _replace(file, after)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Check its permissions.") from error


def _table(name: str, entry: HostEntry) -> str:
    lines = [f"[hosts.{key_of(name)}]"]
    for key, value in msgspec.to_builtins(entry).items():
        if isinstance(value, dict):
            inner = ", ".join(_assignments(value.items()))
            lines.append(f"{key} = {{ {inner} }}")
        else:
            lines += _assignments([(key, value)])
    return "\n".join(lines) + "\n"


def _assignments(items: Iterable[tuple[str, str]]) -> list[str]:
    # A JSON string without control characters, which HostEntry refuses, is a TOML string.
    return [f"{key_of(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in items]


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all, with the permissions it had."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            if file.exists():
                os.fchmod(stream.fileno(), file.stat().st_mode & 0o7777)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, file)
    except BaseException:
        os.unlink(draft)
        raise
