"""The Textual application, a room for each part: workers, comparisons, the run on the main screen, the terminal."""

from faa_tui.application.app import FaaApp

__all__ = ["FaaApp"]
