"""What each part may import, seen in ``sys.modules`` of a fresh process: a static graph cannot prove a deferral."""

import subprocess
import sys

import pytest


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "statement",
    [
        "import faa_core, faa_core.records, faa_core.catalogue, faa_core.export, faa_core.reference",
        "import faa_core.worker.protocol, faa_core.worker.client",
        "import faa_core.comparison.compare, faa_core.comparison.order",
        "import faa_core.store, faa_core.export.files",
        "import faa_tui.app",
        "import faa_tui.cli.runs, faa_tui.cli.analyze_reference",
        "import faa_tui.cli.main, faa_tui.cli.analyze, faa_tui.cli.show, faa_tui.cli.doctor",
        "import faa_tui.cli.compare, faa_tui.cli.compare_reference, faa_tui.cli.report, faa_core.report.page",
    ],
)
def test_screen_client_and_records_leave_torch_alone(statement: str) -> None:
    assert modules_after(statement).isdisjoint({"torch", "transformers"})


@pytest.mark.parametrize(
    "statement",
    ["import faa_core.analysis", "import faa_core.worker.server", "import faa_core.geometry, faa_core.heads.meter"],
)
def test_the_engine_never_knows_the_screen(statement: str) -> None:
    assert modules_after(statement).isdisjoint({"faa_tui", "textual", "plotext"})


def test_geometry_needs_no_model_library() -> None:
    assert "transformers" not in modules_after("import faa_core.geometry")


def test_help_is_answered_before_anything_heavy_is_read() -> None:
    statement = "from faa_tui.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert modules_after(statement).isdisjoint({"textual", "rich", "numpy", "torch", "plotext"})


def test_the_worker_says_hello_before_torch_is_read() -> None:
    statement = "import faa_core.worker.__main__"
    assert modules_after(statement).isdisjoint({"torch", "transformers", "textual"})
