"""The runs that are kept, in one SQLite file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.comparison.records import Comparison
from faa_core.errors import DamagedStoreError, StoreError, UsageError
from faa_core.findings import Findings, HeadExamination, HeadTests
from faa_core.origin import UNKNOWN, Origin
from faa_core.records import Analysis, LayerResult, MapKind, ModelInfo
from faa_core.replication import Replication
from faa_core.store import maps
from faa_core.store.overview import Overview
from faa_core.store.packing import pack, unpack
from faa_core.store.records import Entry, Part, RunKind
from faa_core.store.rows import COLUMNS, by_metric, entry_of, row_of, sum_up_parts
from faa_core.store.schema import open_file, told, transaction
from faa_core.store.segments import Segments, SegmentsOfText

R = TypeVar("R", bound=msgspec.Struct)


class Store:
    """Keeps runs, and gives them back equal to what was kept. Closed at the end of a ``with`` block.

    To be used by the thread that made it. Any number of processes may have one of the same file.

    Args:
        path: The file; made, with its folder, where it is not there.

    Raises:
        DamagedStoreError: The file was damaged and has been moved aside; the next `Store` begins a new one.
        StoreError: The file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = open_file(path)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # --- writing -------------------------------------------------------------------------------------------------

    def save(
        self,
        analysis: Analysis,
        *,
        findings: Findings | None = None,
        origin: Origin = UNKNOWN,
        overviews: Iterable[Overview] = (),
    ) -> int:
        """Keep a run; returns its number.

        Args:
            analysis: The run.
            findings: What else was asked about it; an untrained baseline is kept as a run of its own, part of this.
            origin: What was asked for; the text is that of the run.
            overviews: Maps in little, of any of its heads.

        Raises:
            StoreError: It cannot be written; nothing of it was.
        """
        with self._writing():
            run = self._add_analysis(analysis, origin, None)
            maps.keep_of_run(self._connection, run, overviews)
            if findings is not None:
                if findings.init is not None:
                    self._add_part(run, 1, 0, findings.init, origin)
                self._add_record(run, "findings", 0, msgspec.structs.replace(findings, init=None, examinations=()))
                self._add_examinations(run, findings.examinations)
        return run

    def save_texts(self, replication: Replication, analyses: Sequence[Analysis | int], origin: Origin = UNKNOWN) -> int:
        """Keep one model over several texts, with its runs; returns its number.

        Args:
            replication: The means.
            analyses: The run of each text, or its number where it is kept already: it is a part of this from then on.
            origin: What was asked for.

        Raises:
            UsageError: A number is of no run.
            StoreError: It cannot be written; nothing of it was.
        """
        whole = Origin(origin.parameters, replication.seed, (), origin.hosts)
        with self._writing():
            run = self._add_run("texts", (replication.model,), whole, replication.tokens, 0.0, None)
            self._fill_texts(run, replication, analyses, origin)
        return run

    def extend_texts(
        self, run: int, replication: Replication, analyses: Sequence[Analysis | int], origin: Origin = UNKNOWN
    ) -> None:
        """Let a run over several texts that is kept be over these from now on; the arguments are as of `save_texts`.

        Raises:
            UsageError: There is no such run, it is another kind, or a number is of no run.
            StoreError: It cannot be written; nothing of it was.
        """
        with self._writing():
            self.replication(run)
            self._connection.execute("delete from record where run = ? and name = 'replication'", (run,))
            self._connection.execute("delete from part where whole = ?", (run,))
            tokens = msgspec.json.encode(replication.tokens).decode()
            self._connection.execute("update run set tokens = ? where id = ?", (tokens, run))
            self._fill_texts(run, replication, analyses, origin)

    def save_comparison(
        self,
        comparison: Comparison,
        a: Sequence[Analysis | int],
        b: Sequence[Analysis | int],
        origin: Origin = UNKNOWN,
    ) -> int:
        """Keep a comparison with the runs of its two sides; returns its number.

        Args:
            comparison: The comparison.
            a: The first model's run of each text, or its number where it is kept already.
            b: Those of the other model.
            origin: What was asked for.

        Raises:
            UsageError: A number is of no run.
            StoreError: It cannot be written; nothing of it was.
        """
        sides = (comparison.a, comparison.b)
        with self._writing():
            models = tuple(msgspec.structs.replace(side.model, reference=side.reference) for side in sides)
            whole = Origin(origin.parameters, comparison.seed, (), tuple(side.host for side in sides))
            run = self._add_run("comparison", models, whole, comparison.a.tokens, 0.0, None)
            self._add_record(run, "comparison", 0, comparison)
            for side, runs in enumerate((a, b)):
                own = Origin(origin.parameters, origin.seed, (), (sides[side].host,))
                for place, part in enumerate(runs):
                    self._add_part(run, side, place, part, own)
            sum_up_parts(self._connection, run)
        return run

    def add_overviews(self, run: int, overviews: Iterable[Overview]) -> None:
        """Keep maps in little of a run that is kept; of one head the finer stays, of two as fine the later.

        Raises:
            UsageError: There is no such run.
            StoreError: They cannot be written; none of them was.
        """
        with self._writing():
            self.entry(run)
            maps.keep_of_run(self._connection, run, overviews)

    def add_segments(self, comparison: int, place: int, segments: Sequence[Segments]) -> None:
        """Keep how the tokens of both models were joined on one text of a comparison, for maps over these segments.

        Args:
            comparison: The comparison.
            place: Which of its texts.
            segments: Those of every kind of map whose tokens are not the same.

        Raises:
            UsageError: There is no such comparison.
            StoreError: They cannot be written.
        """
        with self._writing():
            self.entry(comparison)
            self._connection.execute(
                "delete from record where run = ? and name = 'segments' and place = ?", (comparison, place)
            )
            self._add_record(comparison, "segments", place, SegmentsOfText(tuple(segments)))

    def add_segment_overviews(self, comparison: int, side: int, place: int, overviews: Iterable[Overview]) -> None:
        """Keep maps in little over common segments, of one side of a comparison on one text; as `add_overviews` does.

        Raises:
            UsageError: There is no such comparison.
            StoreError: They cannot be written; none of them was.
        """
        with self._writing():
            self.entry(comparison)
            maps.keep_over_segments(self._connection, comparison, side, place, overviews)

    def add_examination(self, run: int, examination: HeadExamination) -> None:
        """Keep the examination of a head of a run that is kept; an earlier one of the head is replaced.

        Raises:
            UsageError: There is no such run.
            StoreError: It cannot be written.
        """
        with self._writing():
            self.entry(run)
            self._add_examinations(run, (examination,))

    def add_tests(self, run: int, tests: HeadTests) -> None:
        """Keep a test of every head of a run that is kept; an earlier one of the statistic is replaced.

        Raises:
            UsageError: There is no such run.
            StoreError: It cannot be written.
        """
        with self._writing():
            found = self.findings(run) or Findings()
            others = (one for one in found.tests if one.statistic != tests.statistic)
            findings = msgspec.structs.replace(found, init=None, examinations=(), tests=(*others, tests))
            self._connection.execute("delete from record where run = ? and name = 'findings'", (run,))
            self._add_record(run, "findings", 0, findings)

    def set_note(self, run: int, note: str) -> None:
        """Write something beside a run, in place of what was there; nothing removes it.

        Raises:
            UsageError: There is no such run.
            StoreError: It cannot be written.
        """
        with self._writing():
            self.entry(run)
            self._connection.execute("update run set note = ? where id = ?", (note.strip(), run))

    def delete(self, runs: Iterable[int]) -> tuple[int, ...]:
        """Forget runs, and the parts that were kept only for them; returns the numbers of all that are gone.

        A part that another comparison rests on stays.

        Raises:
            UsageError: There is no such run, or a comparison that stays rests on it; nothing was deleted.
        """
        wanted = list(dict.fromkeys(runs))
        with self._writing():
            gone = {run: self.entry(run) for run in wanted}
            for run in wanted:
                for (part,) in self._connection.execute("select id from run where part_of = ?", (run,)).fetchall():
                    gone.setdefault(part, self.entry(part))
            for run in list(gone):
                found = self._connection.execute("select whole from part where run = ?", (run,)).fetchall()
                staying = [whole for (whole,) in found if whole not in gone]
                if staying and run in wanted:
                    raise UsageError(
                        f"Run {run} is a part of run {staying[0]}.", f"Delete that one as well: {run} {staying[0]}."
                    )
                if staying:
                    del gone[run]
                    self._connection.execute("update run set part_of = ? where id = ?", (staying[0], run))
            for run in gone:
                self._connection.execute("delete from run where id = ?", (run,))
        return tuple(gone)

    def _add_run(
        self,
        kind: RunKind,
        models: Sequence[ModelInfo],
        origin: Origin,
        tokens: Sequence[int],
        seconds: float,
        part_of: int | None,
        text: str = "",
    ) -> int:
        row = row_of(kind, models, origin, tokens, seconds, part_of, text)
        names, holes = ", ".join(row), ", ".join("?" * len(row))
        done = self._connection.execute(f"insert into run ({names}) values ({holes})", tuple(row.values()))
        assert done.lastrowid is not None
        return done.lastrowid

    def _add_analysis(self, analysis: Analysis, origin: Origin, part_of: int | None) -> int:
        origin = origin.of_texts([analysis])
        tokens = (len(analysis.tokens),)
        run = self._add_run(
            "analysis", (analysis.model,), origin, tokens, analysis.seconds, part_of, text=analysis.text
        )
        self._add_record(run, "analysis", 0, msgspec.structs.replace(analysis, text="", layers=()))
        for place, layer in enumerate(analysis.layers):
            self._add_record(run, "layer", place, layer)
        rows = (
            (run, kind, metric, "<f4", json.dumps(values.shape), values.tobytes())
            for (kind, metric), values in by_metric(analysis.layers).items()
        )
        self._connection.executemany(
            "insert into vec (run, kind, metric, dtype, shape, blob) values (?, ?, ?, ?, ?, ?)", rows
        )
        return run

    def _fill_texts(
        self, run: int, replication: Replication, analyses: Sequence[Analysis | int], origin: Origin
    ) -> None:
        self._add_record(run, "replication", 0, replication)
        for place, analysis in enumerate(analyses):
            self._add_part(run, 0, place, analysis, origin)
        self._connection.execute(
            "update run set part_of = ? where part_of is null and id in (select run from part where whole = ?)",
            (run, run),
        )
        sum_up_parts(self._connection, run)

    def _add_part(self, whole: int, side: int, place: int, part: Analysis | int, origin: Origin) -> None:
        run = self.entry(part).id if isinstance(part, int) else self._add_analysis(part, origin, whole)
        self._connection.execute(
            "insert into part (whole, side, place, run) values (?, ?, ?, ?)", (whole, side, place, run)
        )

    def _add_record(self, run: int, name: str, place: int, record: msgspec.Struct) -> None:
        self._connection.execute(
            "insert into record (run, name, place, blob) values (?, ?, ?, ?)", (run, name, place, pack(record))
        )

    def _add_examinations(self, run: int, examinations: Iterable[HeadExamination]) -> None:
        self._connection.executemany(
            "insert or replace into examination (run, kind, layer, head, blob) values (?, ?, ?, ?, ?)",
            ((run, item.kind, item.layer, item.head, pack(item)) for item in examinations),
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with told(self.path, moving=True), transaction(self._connection):
                yield
        except DamagedStoreError:
            self.close()
            raise

    # --- reading -------------------------------------------------------------------------------------------------

    def entries(
        self, most: int | None = None, parts: bool = False, *, after: int = 0, before: int | None = None
    ) -> list[Entry]:
        """What is kept, the newest first.

        Args:
            most: How many at most.
            parts: Whether to list also what was kept as a part of something else.
            after: Only runs of higher numbers.
            before: Only runs of lower numbers; ``None`` for all.
        """
        where = "" if parts else "and part_of is null "
        with told(self.path):
            rows = self._connection.execute(
                f"select {COLUMNS} from run where id > ? and (? is null or id < ?) {where}order by id desc limit ?",
                (after, before, before, -1 if most is None else most),
            ).fetchall()
        return [entry_of(row) for row in rows]

    def entry(self, run: int) -> Entry:
        """What the list says of a run.

        Raises:
            UsageError: There is no such run.
        """
        with told(self.path):
            row = self._connection.execute(f"select {COLUMNS} from run where id = ?", (run,)).fetchone()
        if row is None:
            raise UsageError(f"There is no run {run}.", "faa runs lists those that are kept.")
        return entry_of(row)

    def analysis(self, run: int) -> Analysis:
        """A run, equal to what was kept.

        Raises:
            UsageError: There is no such run, or it is a comparison or one over several texts.
            StoreError: It cannot be read.
        """
        head = self._record(run, "analysis", Analysis)
        with told(self.path):
            (text,) = self._connection.execute("select text from run where id = ?", (run,)).fetchone()
            blobs = self._connection.execute(
                "select blob from record where run = ? and name = 'layer' order by place", (run,)
            ).fetchall()
        layers = tuple(self._unpacked(run, blob, LayerResult) for (blob,) in blobs)
        return msgspec.structs.replace(head, text=text, layers=layers)

    def findings(self, run: int) -> Findings | None:
        """What else was asked about a run, also after it was kept; ``None`` where nothing was.

        Heads that were examined come in the order of kind, layer and head.

        Raises:
            UsageError: There is no such run.
            StoreError: It cannot be read.
        """
        self.entry(run)
        with told(self.path):
            kept = self._connection.execute(
                "select 1 from record where run = ? and name = 'findings'", (run,)
            ).fetchone()
            blobs = self._connection.execute(
                "select blob from examination where run = ? order by kind, layer, head", (run,)
            ).fetchall()
        examinations = tuple(self._unpacked(run, blob, HeadExamination) for (blob,) in blobs)
        if kept is None:
            return Findings(examinations=examinations) if examinations else None
        findings = self._record(run, "findings", Findings)
        baseline = [part.run for part in self.parts(run) if part.side == 1]
        init = self.analysis(baseline[0]) if baseline else None
        return msgspec.structs.replace(findings, init=init, examinations=examinations)

    def replication(self, run: int) -> Replication:
        """One model over several texts.

        Raises:
            UsageError: There is no such run, or it is another kind.
            StoreError: It cannot be read.
        """
        return self._record(run, "replication", Replication)

    def comparison(self, run: int) -> Comparison:
        """A comparison.

        Raises:
            UsageError: There is no such run, or it is another kind.
            StoreError: It cannot be read.
        """
        return self._record(run, "comparison", Comparison)

    def parts(self, run: int) -> tuple[Part, ...]:
        """The runs that a run rests on, the first model's first, in the order of the texts."""
        with told(self.path):
            rows = self._connection.execute(
                "select side, place, run from part where whole = ? order by side, place", (run,)
            ).fetchall()
        return tuple(Part(*row) for row in rows)

    def overviews(self, run: int) -> tuple[Overview, ...]:
        """The maps in little that are kept of a run; weights to a 255th of their root."""
        try:
            with told(self.path):
                return maps.of_run(self._connection, run)
        except ValueError as error:
            raise self._unreadable(run, error) from None

    def segments(self, comparison: int, place: int) -> tuple[Segments, ...]:
        """How the tokens of both models were joined on one text; nothing where they are the same, or it was not kept.

        Raises:
            StoreError: They cannot be read.
        """
        with told(self.path):
            row = self._connection.execute(
                "select blob from record where run = ? and name = 'segments' and place = ?", (comparison, place)
            ).fetchone()
        return () if row is None else self._unpacked(comparison, row[0], SegmentsOfText).kinds

    def segment_overviews(self, comparison: int, side: int, place: int) -> tuple[Overview, ...]:
        """The maps in little over common segments that are kept of one side of a comparison on one text.

        Raises:
            StoreError: They cannot be read.
        """
        try:
            with told(self.path):
                return maps.over_segments(self._connection, comparison, side, place)
        except ValueError as error:
            raise self._unreadable(comparison, error) from None

    def values(self, metric: str, kind: MapKind = "decoder") -> dict[int, NDArray[np.float32]]:
        """One statistic of every run: float32 [layers, heads] by number of the run, NaN where it is undefined.

        Of dimensions the effective slopes are given, as in means over texts.
        """
        with told(self.path):
            rows = self._connection.execute(
                "select run, dtype, shape, blob from vec where metric = ? and kind = ? order by run", (metric, kind)
            ).fetchall()
        return {run: np.frombuffer(blob, dtype).reshape(json.loads(shape)) for run, dtype, shape, blob in rows}

    def _record(self, run: int, name: str, type_: type[R]) -> R:
        with told(self.path):
            row = self._connection.execute(
                "select blob from record where run = ? and name = ? and place = 0", (run, name)
            ).fetchone()
        if row is None:
            raise UsageError(f"Run {run} is of kind {self.entry(run).kind}.", "faa runs lists kinds.")
        return self._unpacked(run, row[0], type_)

    def _unpacked(self, run: int, blob: bytes, type_: type[R]) -> R:
        try:
            return unpack(blob, type_)
        except ValueError as error:
            raise self._unreadable(run, error) from None

    def _unreadable(self, run: int, error: ValueError) -> StoreError:
        return StoreError(f"Run {run} in {self.path} cannot be read: {error}.", "Others are not concerned.")
