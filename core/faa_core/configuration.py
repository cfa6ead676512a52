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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import platformdirs

from faa_core.errors import UsageError
from faa_core.worker.ssh import HostEntry, is_host_name

VARIABLE = "FAA_CONFIG"
"""Environment variable that names another configuration file."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")


class ScreenEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the application uses its terminal.

    Attributes:
        color: Colours of the terminal, where it is not to be found out.
        mouse: Whether it takes the mouse; without, the terminal selects text as in any program.
    """

    color: Literal["auto", "truecolor", "256", "16", "none"] = "auto"
    mouse: bool = True


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user can set. A new table is a field here, with a default for those who have none.

    Attributes:
        hosts: Machines by the name they have in a reference: ``gpu7`` of ``gpu7:demo``.
        keys: Keys, between commas, by the action that they are for. Which actions and keys there are is known to the
            application.
        screen: How the application uses its terminal.
        theme: Colours of the application; "" for its own. Which there are is known to the application.
    """

    hosts: dict[str, HostEntry] = {}
    keys: dict[str, str] = {}
    screen: ScreenEntry = ScreenEntry()
    theme: str = ""


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
    plain = {key: value for key, value in found.items() if key != "hosts"}
    if isinstance(screen := plain.get("screen"), dict):
        _check_keys(screen, ScreenEntry, "screen", file)
    if isinstance(keys := plain.get("keys"), dict):
        plain["keys"] = dict(_keys(keys, "", file))
    try:
        config = msgspec.convert(plain, Config)
    except msgspec.ValidationError as error:
        raise _wrong_type(error, "", file) from error
    return msgspec.structs.replace(config, hosts={name: _host(name, table, file) for name, table in hosts.items()})


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


def _keys(table: dict[str, Any], begin: str, file: Path) -> Iterator[tuple[str, str]]:
    """Actions and their keys; a bare ``layer.next = "n"`` is a table in a table to TOML, and means the same."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{begin}{name}.", file)
        elif isinstance(value, str):
            yield begin + name, value
        else:
            raise UsageError(f"{file}: keys.{begin}{name} must be text.", 'Write keys between commas: run = "r,f5".')


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
