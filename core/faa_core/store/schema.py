"""The SQLite file: its tables, how an older one is brought up to date, and how it is opened.

WAL with ``synchronous=NORMAL``: a process that is killed loses only what it had not finished, and readers see whole
runs at any moment. Every write is one ``begin immediate`` transaction, so there is one writer at a time; others wait.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faa_core.errors import DamagedStoreError, StoreError

BUSY_SECONDS = 10.0
"""How long a writer waits for another one."""
_AGAIN_SECONDS = 0.005

_FIRST = """
create table run (
    id integer primary key autoincrement,
    time text not null,
    kind text not null,
    models text not null,
    revisions text not null,
    tokenizers text not null,
    hosts text not null,
    texts text not null,
    tokens text not null,
    seconds real not null,
    parameters text not null,
    seed integer,
    versions text not null,
    part_of integer references run (id) on delete set null,
    text text not null
);
create index run_part_of on run (part_of);
create table record (
    run integer not null references run (id) on delete cascade,
    name text not null,
    place integer not null,
    blob blob not null,
    unique (run, name, place)
);
create table vec (
    run integer not null references run (id) on delete cascade,
    kind text not null,
    metric text not null,
    dtype text not null,
    shape text not null,
    blob blob not null,
    unique (run, kind, metric)
);
create table part (
    whole integer not null references run (id) on delete cascade,
    side integer not null,
    place integer not null,
    run integer not null references run (id) on delete cascade,
    unique (whole, side, place)
);
create index part_run on part (run);
"""
_SECOND = """
alter table run add column note text not null default '';
create table overview (
    run integer not null references run (id) on delete cascade,
    kind text not null,
    layer integer not null,
    head integer not null,
    cell integer not null,
    height integer not null,
    width integer not null,
    blob blob not null,
    unique (run, kind, layer, head)
);
"""
_THIRD = """
create table examination (
    run integer not null references run (id) on delete cascade,
    kind text not null,
    layer integer not null,
    head integer not null,
    blob blob not null,
    unique (run, kind, layer, head)
);
"""
_FOURTH = """
create table segment_overview (
    comparison integer not null references run (id) on delete cascade,
    side integer not null,
    place integer not null,
    kind text not null,
    layer integer not null,
    head integer not null,
    cell integer not null,
    height integer not null,
    width integer not null,
    blob blob not null,
    unique (comparison, side, place, kind, layer, head)
);
"""
MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH)
"""What makes each version of the file from the one before; the first from nothing."""
SCHEMA = len(MIGRATIONS)
"""Version of the file that this faa writes: SQLite's ``user_version``."""

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file, made or brought up to date where need be.

    Raises:
        DamagedStoreError: It is no SQLite file; it has been moved aside.
        StoreError: It cannot be read or written, or a newer faa has written it.
    """
    with told(path, moving=True):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It holds texts: for its owner alone, from the first moment on.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _use_wal(connection)
    for pragma in ("synchronous = normal", "foreign_keys = on"):
        connection.execute(f"pragma {pragma}").fetchone()
    if _version(connection, path) < SCHEMA:
        with transaction(connection):
            # Another process may have been faster.
            for step in range(_version(connection, path), SCHEMA):
                for statement in filter(str.strip, MIGRATIONS[step].split(";")):
                    connection.execute(statement)
            connection.execute(f"pragma user_version = {SCHEMA}")
    connection.execute("select id, part_of from run order by id desc limit 1").fetchone()


def _use_wal(connection: sqlite3.Connection) -> None:
    """Wait for others that do the same with a new file, which SQLite itself does not, lest two wait for each other."""
    began = time.monotonic()
    while True:
        try:
            connection.execute("pragma journal_mode = wal").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() - began > BUSY_SECONDS:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Version of the file.

    Raises:
        StoreError: It is newer than this faa.
    """
    version = int(connection.execute("pragma user_version").fetchone()[0])
    if version > SCHEMA:
        from faa_core import __version__

        raise StoreError(
            f"The kept runs in {path} have version {version} of their form; faa {__version__} knows up to {SCHEMA}.",
            "Use the newer faa that wrote them, or move the file away.",
        )
    return version


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing of what is written within; other writers wait, readers do not."""
    connection.execute("begin immediate")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
            connection.execute("rollback")
        raise


@contextmanager
def told(path: Path, moving: bool = False) -> Iterator[None]:
    """Faults of SQLite and of the file system in the words of faa.

    Args:
        path: The file.
        moving: Whether a damaged file is moved aside, which a writer needs and a reader does not.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE:
            raise _damage(path, str(error), moving) from error
        raise _fault(path, code, str(error)) from error
    except OSError as error:
        raise StoreError(
            f"The kept runs in {path} cannot be used: {error.strerror}.",
            "Make it and its folder writable, or set XDG_STATE_HOME to another one.",
        ) from error


def _fault(path: Path, code: int, said: str) -> StoreError:
    if code == sqlite3.SQLITE_BUSY:
        return StoreError(
            f"Another process has been writing to {path} for {BUSY_SECONDS:g} seconds.", "Try again when it is done."
        )
    hints = {
        sqlite3.SQLITE_FULL: "Make room on its disk; what was kept before is still there.",
        sqlite3.SQLITE_IOERR: "Make room on its disk, or check it; what was kept before is still there.",
        sqlite3.SQLITE_READONLY: "Make the file and its folder writable, or set XDG_STATE_HOME to another one.",
        sqlite3.SQLITE_CANTOPEN: "Make its folder writable, or set XDG_STATE_HOME to another one.",
    }
    return StoreError(f"The kept runs in {path} cannot be used: {said}.", hints.get(code, ""))


def _damage(path: Path, said: str, moving: bool) -> StoreError:
    if not moving:
        return StoreError(
            f"The kept runs in {path} are damaged: {said}.",
            f"Move the file away; sqlite3 {path} .recover may get runs out of it.",
        )
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(f"{path}{ending}", f"{aside}{ending}")
    except OSError as error:
        return StoreError(
            f"The kept runs in {path} are damaged ({said}), and the file cannot be moved aside: {error.strerror}.",
            "Move it away yourself.",
        )
    return DamagedStoreError(
        f"The kept runs in {path} were damaged ({said}); the file is now {aside.name}, and a new one is begun.",
        f"sqlite3 {aside} .recover may get runs out of it.",
    )
