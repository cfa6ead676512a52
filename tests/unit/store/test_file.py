"""The file itself: older and newer ones, damaged ones, and processes that are killed, hindered or not alone."""

from __future__ import annotations

import signal
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from faa_core.errors import DamagedStoreError, StoreError
from faa_core.records import Analysis
from faa_core.store import Store, overview_of
from faa_core.store.packing import pack
from faa_core.store.schema import SCHEMA
from tests.unit.store.conftest import examination, same

Start = Callable[..., Popen[str]]

FIRST_SCHEMA = """
create table run (id integer primary key autoincrement, time text not null, kind text not null, models text not null,
    revisions text not null, tokenizers text not null, hosts text not null, texts text not null, tokens text not null,
    seconds real not null, parameters text not null, seed integer, versions text not null,
    part_of integer references run (id) on delete set null, text text not null);
create table record (run integer not null references run (id) on delete cascade, name text not null,
    place integer not null, blob blob not null, unique (run, name, place));
create table vec (run integer not null references run (id) on delete cascade, kind text not null, metric text not null,
    dtype text not null, shape text not null, blob blob not null, unique (run, kind, metric));
create table part (whole integer not null references run (id) on delete cascade, side integer not null,
    place integer not null, run integer not null references run (id) on delete cascade, unique (whole, side, place));
pragma user_version = 1;
"""
SECOND_SCHEMA = (
    FIRST_SCHEMA
    + """
alter table run add column note text not null default '';
create table overview (run integer not null references run (id) on delete cascade, kind text not null,
    layer integer not null, head integer not null, cell integer not null, height integer not null,
    width integer not null, blob blob not null, unique (run, kind, layer, head));
pragma user_version = 2;
"""
)

THIRD_SCHEMA = (
    SECOND_SCHEMA
    + """
create table examination (run integer not null references run (id) on delete cascade, kind text not null,
    layer integer not null, head integer not null, blob blob not null, unique (run, kind, layer, head));
pragma user_version = 3;
"""
)


def integrity(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        return str(connection.execute("pragma integrity_check").fetchone()[0])


def test_a_new_file_is_for_its_owner_alone(path: Path) -> None:
    with Store(path) as store:
        assert store.entries() == []
        assert sqlite3.connect(path).execute("pragma journal_mode").fetchone() == ("wal",)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("schema", [FIRST_SCHEMA, SECOND_SCHEMA, THIRD_SCHEMA])
def test_a_file_of_an_older_faa_is_brought_up_to_date(path: Path, run: Analysis, schema: str) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.executescript(schema)
    connection.execute(
        "insert into run (id, time, kind, models, revisions, tokenizers, hosts, texts, tokens, seconds, parameters, "
        "seed, versions, part_of, text) "
        "values (5, '2026-01-02T03:04:05Z', 'analysis', '[\"demo\"]', '[\"r\"]', '[\"t\"]', '[\"\"]', "
        "'[\"s\"]', '[9]', 0.5, '{}', null, '{}', null, 'a text')"
    )
    head = Analysis(run.model, "", run.tokens, None, None, (), 0.5, ())
    connection.execute("insert into record values (5, 'analysis', 0, ?)", (pack(head),))
    connection.commit()
    connection.close()
    with Store(path) as store:
        (entry,) = store.entries()
        assert (entry.id, entry.tokens, entry.note) == (5, (9,), "")
        assert store.analysis(5).text == "a text"
        store.add_overviews(5, [overview_of("decoder", 0, 0, [[1.0]])])
        assert len(store.overviews(5)) == 1
        assert (store.segments(5, 0), store.segment_overviews(5, 0, 0)) == ((), ())
        store.add_segment_overviews(5, 0, 0, [overview_of("decoder", 0, 0, [[1.0]])])
        assert store.entry(5).maps == 2
        store.add_examination(5, examination(0, 0))
        assert len(store.findings(5).examinations) == 1
        store.set_note(5, "old")
        assert store.entry(5).note == "old"
        assert store.save(run) == 6
    assert sqlite3.connect(path).execute("pragma user_version").fetchone() == (SCHEMA,)


def test_a_file_of_a_newer_faa_is_refused_with_both_versions(path: Path) -> None:
    with Store(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"pragma user_version = {SCHEMA + 5}")
    with pytest.raises(StoreError, match=rf"version {SCHEMA + 5} .* knows up to {SCHEMA}") as refused:
        Store(path)
    assert str(path) in refused.value.message
    assert sqlite3.connect(path).execute("pragma user_version").fetchone() == (SCHEMA + 5,)  # untouched


def test_a_damaged_file_is_moved_aside_and_never_deleted(path: Path, run: Analysis) -> None:
    for number in (1, 2):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"this is no database, and somebody may want it " * 100)
        with pytest.raises(DamagedStoreError) as told:
            Store(path)
        aside = path.with_name(f"runs.sqlite.damaged-{number}")
        assert str(path) in told.value.message
        assert aside.name in told.value.message
        assert f"sqlite3 {aside} .recover" in told.value.hint
        assert aside.read_bytes().startswith(b"this is no database")
        assert not path.exists()
    with Store(path) as store:
        assert store.save(run) == 1


def test_damage_that_only_a_writer_meets_is_moved_aside_as_well(path: Path, run: Analysis) -> None:
    with Store(path) as store:
        store.save(run)
    with sqlite3.connect(path) as connection:
        root, size = connection.execute(
            "select rootpage, page_size from sqlite_schema, pragma_page_size where name = 'run_part_of'"
        ).fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa7" * size)
    with Store(path) as store:
        assert same(store.analysis(1), run)  # who only reads is not concerned
        with pytest.raises(DamagedStoreError, match=r"is now runs\.sqlite\.damaged-1") as told:
            store.save(run)
    assert str(path) in told.value.message
    with Store(path) as store:
        assert store.save(run) == 1
        assert same(store.analysis(1), run)
    with Store(path.with_name("runs.sqlite.damaged-1")) as aside:
        assert same(aside.analysis(1), run)  # nothing of it is lost


def test_one_unreadable_run_spares_the_others(path: Path, run: Analysis) -> None:
    with Store(path) as store:
        store.save(run)
        store.save(run)
        with sqlite3.connect(path) as connection:
            connection.execute("update record set blob = substr(blob, 1, 100) where run = 1 and name = 'layer'")
        with pytest.raises(StoreError, match=r"Run 1 in .* cannot be read"):
            store.analysis(1)
        assert same(store.analysis(2), run)
        assert len(store.entries()) == 2


def test_kill_9_in_the_middle_of_a_write_loses_nothing_that_was_there(
    path: Path, run: Analysis, model_run: Path, process: Start
) -> None:
    program = """
store = Store(path)
store.save(run)
count = 0
def halfway(statement):
    global count
    count += statement.startswith("insert into record")
    if count == 3:
        say("in the middle")
        sys.stdin.read()
store._connection.set_trace_callback(halfway)
store.save(run)
"""
    writer = process(program, path, model_run)
    assert writer.stdout.readline() == "in the middle\n"
    with Store(path) as reader:
        assert [entry.id for entry in reader.entries()] == [1]  # who reads meanwhile sees whole runs only
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    assert integrity(path) == "ok"
    with Store(path) as store:
        assert [entry.id for entry in store.entries(parts=True)] == [1]
        assert same(store.analysis(1), run)
        assert store.save(run) == 2  # nothing holds it up
    with sqlite3.connect(path) as connection:
        orphans = connection.execute("select count(*) from record where run not in (select id from run)").fetchone()
    assert orphans == (0,)


def test_kill_9_at_any_moment_loses_nothing_that_was_told_to_be_kept(
    path: Path, run: Analysis, model_run: Path, process: Start
) -> None:
    told = 0
    for after in (1, 3):
        writer = process("store = Store(path)\nwhile True: say(store.save(run))", path, model_run)
        for _ in range(after):
            told = int(writer.stdout.readline())
        writer.kill()
        told = max([told, *map(int, writer.stdout.read().split())])
        writer.wait()
        assert integrity(path) == "ok"
        with Store(path) as store:
            kept = [entry.id for entry in store.entries()]
            assert set(range(1, told + 1)) <= set(kept)
            assert all(
                same(store.analysis(number), run) for number in kept[:8]
            )  # the newest: a torn one would be there


def test_several_processes_make_the_file_and_write_at_the_same_time(
    path: Path, run: Analysis, model_run: Path, process: Start
) -> None:
    program = "say('ready'); sys.stdin.readline()\nstore = Store(path)\nfor _ in range(8): say(store.save(run))"
    writers = [process(program, path, model_run) for _ in range(4)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    numbers = [int(word) for writer in writers for word in writer.communicate()[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert sorted(numbers) == list(range(1, 33))
    with Store(path) as store:
        assert all(same(store.analysis(number), run) for number in (1, 16, 32))


def test_a_full_disk_is_a_message_and_costs_nothing_that_was_there(
    path: Path, run: Analysis, model_run: Path, process: Start
) -> None:
    program = """
store = Store(path)
store.save(run)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    for _ in range(50): say(store.save(run))
except FaaError as error:
    say(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
say(f"and {store.save(run)}")
"""
    lines = process(program, path, model_run).communicate()[0].splitlines()
    *kept, message, after = lines
    assert str(path) in message
    assert "Make room" in message
    assert after == f"and {len(kept) + 2}"
    assert integrity(path) == "ok"
    with Store(path) as store:
        assert [entry.id for entry in store.entries()] == list(range(len(kept) + 2, 0, -1))
        assert same(store.analysis(1), run)


def test_a_disk_that_is_really_full_costs_nothing_that_was_there(small_disk: Start, model_run: Path) -> None:
    program = """
ballast = path.with_name("ballast")
ballast.write_bytes(bytes(200_000))
store = Store(path)
store.save(run)
try:
    while True: say(store.save(run))
except FaaError as error:
    say(error)
try: write_whole(path.with_name("run.json"), bytes(200_000), False)
except FaaError as error: say(error)
say(sorted(file.name for file in path.parent.iterdir() if not file.name.startswith("runs.sqlite")))
say(len(store.entries()))
ballast.unlink()
say(f"and {store.save(run)}")
store.close()
store = Store(path)
say(f"{len(store.entries())} of {store._connection.execute('pragma integrity_check').fetchone()[0]}")
say(store.analysis(1).text == run.text)
"""
    *kept, message, export, files, listed, after, whole, equal = (
        small_disk(program, model_run).communicate()[0].splitlines()
    )
    assert "database or disk is full" in message
    assert "Make room" in message
    assert "run.json cannot be written: No space left on device" in export
    assert "Make room" in export
    assert files == "['ballast']"  # no half of an export
    assert int(listed) == len(kept) + 1 > 1
    assert after == f"and {len(kept) + 2}"
    assert whole == f"{len(kept) + 2} of ok"
    assert equal == "True"


def test_a_read_only_folder_is_a_message(unwritable: Path, process: Start) -> None:
    program = "nobody()\ntry: Store(path)\nexcept FaaError as error: say(error)"
    told = process(program, unwritable / "runs.sqlite").communicate()[0]
    assert f"{unwritable / 'runs.sqlite'} cannot be used: Permission denied" in told
    assert "XDG_STATE_HOME" in told
    assert list(unwritable.iterdir()) == []
