"""``faa explain`` as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from faa_core.explain import NAMES, page

ROOT = Path(__file__).resolve().parents[2]


def test_a_page_in_a_pipe_is_plain_markdown(faa) -> None:
    done = faa("explain", "d1")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == page("D1")
    assert "\x1b" not in done.stdout


def test_a_symbol_of_two_words_needs_no_quotes(faa) -> None:
    assert faa("explain", "H/ln", "n").stdout == page("normalised_entropy")


def test_without_a_name_all_of_them_are_listed_on_a_line_each(faa) -> None:
    done = faa("explain")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert listed == list(NAMES)


def test_an_unknown_name_is_wrong_usage(faa) -> None:
    done = faa("explain", "lacunrity")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "lacunarity" in done.stderr
    assert "Traceback" not in done.stderr


def test_pages_are_told_without_torch_or_textual() -> None:
    code = (
        "import sys; from faa_tui.cli.main import main; main(['explain', 'lacunarity[8]']); "
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    modules = {name.partition(".")[0] for name in done.stderr.split()}
    assert done.stdout.startswith("# Lacunarity")
    assert modules.isdisjoint({"torch", "transformers", "textual", "scipy"})


def test_the_documentation_has_the_same_pages() -> None:
    script = ROOT / "scripts" / "quantity_pages.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
