"""What was on the screen when the application was left, remembered for its next start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from faa_core.catalogue import BY_KEY
from faa_core.errors import UsageError
from faa_core.records import MapKind
from faa_core.reference import parse
from faa_tui import paths, state_file
from faa_tui.rendering.scales import ScaleName
from faa_tui.rendering.text import visible

Count = Annotated[int, msgspec.Meta(ge=0)]


class LastState(msgspec.Struct, frozen=True, kw_only=True):
    """What was on the screen.

    Attributes:
        reference: The model, as it was asked for.
        run: Number of its run among those that are kept; ``None`` where it was not kept. It may be deleted since.
        kind: Kind of the map that was looked at.
        layer: Layer within its kind.
        head: Head within the layer; the model may have fewer by now.
        statistic: Key of the statistic that coloured the heads.
        scale: How weights became colours.
        page: Name of the page of curves; it may be one that this version does not have.
        pane: Id of the pane that had the keys; likewise.
        text: The text that was being analysed, where its run was not kept; ``None`` where it was, or there is none.
        schema: Name and version of this shape.
    """

    reference: str
    run: Annotated[int, msgspec.Meta(ge=1)] | None
    kind: MapKind
    layer: Count
    head: Count
    statistic: str
    scale: ScaleName
    page: str = ""
    pane: str = ""
    text: str | None = None
    schema: Literal["faa.last-state/1"] = "faa.last-state/1"

    def __post_init__(self) -> None:
        """Refuse a reference that is none, and a statistic that this version does not have.

        Raises:
            ValueError: It is one of the two.
        """
        try:
            parse(self.reference)
        except UsageError as error:
            raise ValueError(error.message) from None
        if self.statistic not in BY_KEY:
            raise ValueError(f"There is no statistic {self.statistic!r}")


def file() -> Path:
    """Where it is remembered; the file may not exist."""
    return paths.state() / "last.json"


def load() -> tuple[LastState | None, str]:
    """What was remembered, and a remark for the user where there is a file that cannot be read; "" where not."""
    path = file()
    try:
        return msgspec.json.decode(path.read_bytes(), type=LastState), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        why = str(error.strerror)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = str(error)
    return None, visible(f"What was on the screen last is not known: {path} cannot be read: {why.removesuffix('.')}.")


def save(state: LastState) -> None:
    """Remember ``state``; a folder that cannot be written is no reason to stop."""
    state_file.write(file(), msgspec.json.encode(state) + b"\n")
