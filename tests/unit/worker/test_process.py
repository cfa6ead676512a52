from __future__ import annotations

import os
import sys

import pytest

from faa_core.errors import WorkerError
from faa_core.worker.process import STDERR_BYTES, WorkerProcess, exit_words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "SIGKILL (often the out-of-memory killer)"),
        (137, "SIGKILL (often the out-of-memory killer)"),
        (-11, "segmentation fault"),
        (139, "segmentation fault"),
        (-15, "SIGTERM"),
        (143, "SIGTERM"),
        (127, "command not found"),
        (126, "not executable"),
        (-64, "signal 64"),
        (1, "exit code 1"),
        (200, "exit code 200"),
        (0, "ended by itself"),
    ],
)
def test_every_exit_code_has_words_and_a_hint(code: int, words: str) -> None:
    text, hint = exit_words(code)
    assert words in text
    assert hint


def test_only_the_end_of_standard_error_is_kept() -> None:
    code = "import sys; sys.stderr.write('x' * 10**6 + 'the end\\n')"
    process = WorkerProcess([sys.executable, "-c", code])
    exit_ = process.reap(30)
    assert len(process.stderr_tail) == STDERR_BYTES
    assert process.stderr_tail.endswith("the end\n")
    assert exit_.code == 0
    process.output.close()


def test_the_last_line_of_a_failed_start_is_quoted() -> None:
    process = WorkerProcess([sys.executable, "-c", "import no_such_package"])
    assert "No module named 'no_such_package'" in process.reap(30).text
    process.output.close()


@pytest.mark.parametrize("program", ["/no/such/program", os.devnull])
def test_a_program_that_cannot_be_started_is_named(program: str) -> None:
    with pytest.raises(WorkerError, match=program):
        WorkerProcess([program])
