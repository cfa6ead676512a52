"""The Textual application, a room for each part: workers, comparisons, and all that is about one model."""

from faa_tui.application.app import FaaApp

__all__ = ["FaaApp"]
