"""What MkDocs is told about the navigation when it builds the site: see ``hooks`` in mkdocs.yml.

The pages of the quantities stand by group, as in ``faa explain``, and an entry whose page is not there is left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from faa_core.explain import groups, title

SCREENSHOTS = Path(__file__).resolve().parent.parent / "screenshots"
QUANTITIES = "quantities/README.md"


def on_config(config: Any) -> Any:
    """Complete the navigation; called by MkDocs."""
    config.nav = _completed(config.nav, Path(config.docs_dir))
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


def on_files(files: Files, config: Any) -> Files:
    """Show the screenshots of the README also here; called by MkDocs."""
    for picture in sorted(SCREENSHOTS.glob("*.svg")):
        files.append(File.generated(config, f"screenshots/{picture.name}", abs_src_path=str(picture)))
    return files
