"""What MkDocs is told about the navigation when it builds the site: see ``hooks`` in mkdocs.yml.

The pages of the quantities stand by group, as in ``faa explain``. An entry whose page is not there is left out, and a
page that no entry names stands under *More*, so that a page can come or go without a word in mkdocs.yml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from faa_core.explain import groups, title

SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
QUANTITIES = "quantities/README.md"
OF_THEIR_OWN = ("errors", "quantities")
"""Folders whose pages are found by their index."""


def on_config(config: Any) -> Any:
    """Complete the navigation; called by MkDocs."""
    docs = Path(config.docs_dir)
    config.nav = _completed(config.nav, docs)
    if rest := _others(config.nav, docs):
        config.nav.append({"More": rest})
    return config


def _completed(entries: list[Any], docs: Path) -> list[Any]:
    made: list[Any] = []
    for entry in entries:
        name, target = next(iter(entry.items())) if isinstance(entry, dict) else (None, entry)
        if isinstance(target, list):
            made.append({name: _completed(target, docs)})
        elif target == QUANTITIES:
            pages = [
                {group.capitalize(): [{title(one): f"quantities/{one}.md"} for one in names]}
                for group, names in groups().items()
            ]
            made.append({name: [QUANTITIES, *pages]})
        elif (docs / target).is_file():
            made.append(entry)
    return made


def _others(entries: list[Any], docs: Path) -> list[str]:
    """The pages that the navigation does not name."""
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    named = set(_targets(entries))
    return sorted(page for page in pages - named if page.split("/")[0] not in OF_THEIR_OWN)


def _targets(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for target in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(target, list):
                yield from _targets(target)
            else:
                yield target


def on_files(files: Files, config: Any) -> Files:
    """Show the screenshots of the README also here, without the fonts that they name elsewhere; called by MkDocs."""
    for picture in sorted([*SCREENSHOTS.glob("*.svg"), *SCREENSHOTS.glob("*.png")]):
        content: str | bytes = picture.read_bytes()
        if picture.suffix == ".svg":
            content = re.sub(r"@font-face\s*{[^}]*}", "", picture.read_text(encoding="utf-8"))
        files.append(File.generated(config, f"screenshots/{picture.name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Find the screenshots, which lie beside the folder of the pages, inside of the site; called by MkDocs."""
    up = "../" * page.file.src_uri.count("/")
    return re.sub(r"\]\((?:\.\./)+screenshots/", f"]({up}screenshots/", markdown)
