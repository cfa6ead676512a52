"""A report as one HTML file that opens offline, under a policy that lets it load nothing and run only its own script.

Every string that the templates print goes through `faa_core.visible.visible` and is escaped after that, whether or not
it came from a model or a text: the templates have no way around it but `Markup`, and only this module makes that.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from faa_core import __version__
from faa_core.catalogue import BY_KEY, Entry
from faa_core.colours import RGB
from faa_core.records import STATUS_MEANING
from faa_core.report.pictures import BUDGET, DIFFERENCE_STEPS, STEPS, difference_palette, palette
from faa_core.report.png import data_uri, png
from faa_core.report.raw import downloads
from faa_core.report.records import Report
from faa_core.report.sections.comparison import comparison_section
from faa_core.report.sections.run import run_section
from faa_core.report.sections.texts import texts_section
from faa_core.report.tables import tint_rules
from faa_core.visible import visible

_ALWAYS = ("D0", "D1")  # defined in every report: the curves are theirs


def render(report: Report) -> str:
    """The whole HTML document."""
    style, script = _part("report.css") + tint_rules(), _part("report.js")
    parts = len(report.measured) + len(report.compared) + len(report.replicated)
    budget = BUDGET // max(parts, 1)
    runs = [run_section(part, f"run{place}", budget) for place, part in enumerate(report.measured)]
    texts = [texts_section(part, f"texts{place}", budget) for place, part in enumerate(report.replicated)]
    compared = [comparison_section(part, f"comparison{place}", budget) for place, part in enumerate(report.compared)]
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            report=report,
            version=__version__,
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
            runs=runs,
            over_texts=texts,
            comparisons=compared,
            downloads=downloads(report),
            definitions=_definitions([*runs, *texts, *compared]),
            statuses=STATUS_MEANING,
            bars={
                "weight": _bar(palette()[:STEPS]),
                "difference": _bar(difference_palette()[:DIFFERENCE_STEPS]),
            },
            colours=json.dumps(
                {
                    "weight": _named(palette()[:STEPS]),
                    "difference": _named(difference_palette()[:DIFFERENCE_STEPS]),
                }
            ),
            safe_uri=_safe_uri,
        )
    )


def _bar(colours: Sequence[RGB]) -> str:
    """A scale of colours, as an image of one row."""
    return data_uri("image/png", png(np.arange(len(colours), dtype=np.uint8)[None], colours))


def _named(colours: Sequence[RGB]) -> list[str]:
    """The colours as the script reads them off a picture."""
    return [f"{r},{g},{b}" for r, g, b in colours]


def _definitions(parts: list[dict[str, Any]]) -> tuple[Entry, ...]:
    """Every quantity that the page names, in the order of the catalogue."""
    used = {*_ALWAYS, *(key for part in parts for key in part["keys"])}
    used |= {matrix.anchor for part in parts for matrix in part.get("matrices", ()) if matrix.anchor}
    return tuple(entry for key, entry in BY_KEY.items() if key in used)


def _safe_uri(uri: str) -> Markup:
    """A data URI that this package made, printed as it is: it is long, and base64 has nothing to escape."""
    return Markup(uri)


def _policy(style: str, script: str) -> Markup:
    """A Content-Security-Policy that lets the page load nothing, and apply and run only what is in it."""
    return Markup(
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


@cache
def _part(name: str) -> str:
    return files("faa_core.report").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("faa_core.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )


def _harmless(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
