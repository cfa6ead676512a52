"""``faa explain``: what a number is, how it is estimated, and how far it can be trusted."""

from __future__ import annotations

from argparse import ArgumentParser

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from faa_core import explain
from faa_core.catalogue import BY_KEY, When

_WIDEST = 100
"""Cells of a line of prose; longer ones are hard to read."""
_THEME = Theme({"markdown.code": "bold", "markdown.h2": "bold"})
_WHEN: dict[When, str] = {"run": "", "head": "head", "texts": "texts"}
_FOOT = (
    "Last column: empty for what every run measures, head for what 'faa examine' measures of one head, texts for what "
    "takes several texts. 'faa explain NAME' prints a page."
)


def run(arguments: list[str]) -> int:
    """Run ``faa explain`` and return its exit code."""
    parser = ArgumentParser(
        prog="faa explain",
        description="Say what a number is, how it is estimated, when it is undefined, how accurate it is and how to "
        "read it. Without NAME, list all of them.",
    )
    parser.add_argument(
        "name", nargs="*", metavar="NAME", help="a key, symbol or title: D1, H/ln n, lacunarity[8]; or lift, null, ..."
    )
    parser.add_argument("--verbose", action="store_true", help="show the traceback of an error")
    name = " ".join(parser.parse_args(arguments).name)
    console = Console(highlight=False, theme=_THEME)
    if not name:
        console.print(_listing())
        console.print(Text(f"\n{_FOOT}", style="dim"))
    elif console.is_terminal:
        console.print(Markdown(explain.page(name)), width=min(console.width, _WIDEST))
    else:
        print(explain.page(name), end="")
    return 0


def _listing() -> Table:
    table = Table.grid(padding=(0, 2))
    for column in ("name", "symbol", "title", "when"):
        table.add_column(no_wrap=column != "title", style="dim" if column == "when" else "", overflow="fold")
    for group, names in explain.groups().items():
        table.add_row(Text(group, style="bold"))
        for name in names:
            entry = BY_KEY.get(name)
            symbol, when = (entry.symbol, _WHEN[entry.when]) if entry else ("", "")
            table.add_row(Text(f"  {name}"), Text(symbol), Text(explain.title(name)), Text(when))
    return table
