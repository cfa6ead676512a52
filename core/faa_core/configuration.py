"""The configuration of the user: one TOML file, read whole and checked.

A mistake is told with the file, the key and the nearest key that exists. Keys that nothing reads are mistakes too:
an option that does nothing is worse than one that is refused.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from faa_core.errors import UsageError
from faa_core.worker.ssh import HostEntry, is_host_name

VARIABLE = "FAA_CONFIG"
"""Environment variable that names another configuration file."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user can set. A new table is a field here, with a default for those who have none.

    Attributes:
        hosts: Machines by the name they have in a reference: ``gpu7`` of ``gpu7:demo``.
    """

    hosts: dict[str, HostEntry] = {}


def path() -> Path:
    """The file that the user writes; it may not exist."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    return platformdirs.user_config_path("faa", appauthor=False) / "config.toml"


def load(file: Path | None = None) -> Config:
    """Read the configuration; that of someone without a file is empty.

    Args:
        file: By default that of `path`.

    Raises:
        UsageError: The file cannot be read, is no TOML, or holds a key or value that has no meaning.
    """
    file = file or path()
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"The configuration {file} cannot be read: {reason}.", "Check the file.") from error
    return parse(text, file)


def parse(text: str, file: Path) -> Config:
    """The configuration in ``text``; ``file`` is named in errors.

    Raises:
        UsageError: As for `load`.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The configuration {file} is not TOML: {error}.", "Correct that line.") from error
    _check_keys(found, Config, "", file)
    hosts = found.get("hosts", {})
    if not isinstance(hosts, dict):
        raise UsageError(f"{file}: hosts must be a table.", "Write [hosts.NAME] above the keys of a machine.")
    return Config(hosts={name: _host(name, table, file) for name, table in hosts.items()})


def _host(name: str, table: Any, file: Path) -> HostEntry:
    place = f"hosts.{key_of(name)}"
    if not is_host_name(name):
        raise UsageError(f"{file}: {place} is not the name of a host.", "Write [user@]name, as for ssh.")
    if not isinstance(table, dict):
        raise UsageError(f"{file}: {place} must be a table.", f"Write [{place}] above its keys.")
    _check_keys(table, HostEntry, place, file)
    try:
        return msgspec.convert(table, HostEntry)
    except msgspec.ValidationError as error:
        raise _wrong_type(error, place, file) from error
    except UsageError as error:
        raise UsageError(f"{file}: in [{place}], {error.message}", error.hint) from error


def _check_keys(table: dict[str, Any], known: type[msgspec.Struct], place: str, file: Path) -> None:
    """Refuse the first key that ``known`` does not have."""
    keys = known.__struct_encode_fields__
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
            meant = f"Did you mean {near[0]}? " if near else ""
            full = ".".join(filter(None, (place, key_of(key))))
            raise UsageError(f"{file}: {full} is not a known key.", f"{meant}Known here: {', '.join(sorted(keys))}.")


def _wrong_type(error: msgspec.ValidationError, place: str, file: Path) -> UsageError:
    """An error with the key by its path in the file; that of msgspec begins at the table."""
    text, inner = str(error), ""
    if found := _PLACE.search(text):
        text, inner = text[: found.start()], found["place"].removesuffix("[...]")
    full = ".".join(filter(None, (place, inner)))
    return UsageError(f"{file}: {full}: {text[:1].lower()}{text[1:]}.", "Correct that value.")


def key_of(name: str) -> str:
    """A name as a key of TOML: bare where it can be, quoted where not."""
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
