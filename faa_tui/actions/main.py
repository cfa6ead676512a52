"""What works on the main screen."""

from __future__ import annotations

from faa_tui.actions.action import Action, colours, jumps, moves

PANES: tuple[tuple[str, str], ...] = (
    ("models", "Models"),
    ("layers", "Layers"),
    ("heads", "Heads"),
    ("attention", "Attention"),
    ("numbers", "Box counting and statistics"),
    ("text", "Text"),
    ("all-heads", "All heads"),
    ("runs", "Runs"),
)
"""Ids and names of the panes of the main screen, in the order of their numbers from 1."""


def digit_of(pane: str) -> str:
    """The digit that leads to a pane of the main screen."""
    return str([id for id, _ in PANES].index(pane) + 1)


MAIN: tuple[Action, ...] = (
    Action("text", "t", "app.edit_text", "text", "Type, paste or choose the text to analyse", group="Run", footer=True),
    Action(
        "run",
        "r",
        "app.run_again",
        "run",
        "Analyse the text again; starts a new worker if it died",
        group="Run",
    ),
    Action("back", "escape", "app.cancel", "cancel", "Cancel the running job, else close the message", group="Run"),
    Action("open", "o", "app.open_model", "open model", "Type a model reference or a path", group="Run"),
    Action(
        "test",
        "Q",
        "app.test",
        "test",
        "Test the shown statistic of every head against random attention; again to give it up",
        group="Run",
    ),
    Action("message", "m", "app.message", "message", "Show the last message in full", group="Run"),
    Action(
        "texts",
        "F",
        "app.open_texts",
        "text set",
        "Analyse on several texts: a file with one on each line, a folder, or the samples",
        group="Run",
    ),
    Action(
        "text.next",
        "right_parenthesis",
        "app.text(1)",
        "text +",
        "Show the next text of the set, or the mean of all",
        group="Move",
    ),
    Action(
        "text.previous",
        "left_parenthesis",
        "app.text(-1)",
        "text -",
        "Show the previous text of the set, or the mean of all",
        group="Move",
    ),
    Action(
        "statistic",
        "s",
        "statistic(1)",
        "statistic",
        "Colour the heads by the next statistic",
        group="Look",
        footer=True,
    ),
    Action("statistic.list", "S", "app.statistic_list", "statistics", "Choose the statistic from a list", group="Look"),
    Action(
        "examine",
        "x",
        "app.examine",
        "examine",
        "Measure all that needs the whole map of this head",
        group="Look",
    ),
    Action("curve.next", "v", "curve(1)", "next curve", "Show the next page of curves of this head", group="Look"),
    Action("curve.previous", "V", "curve(-1)", "curve before", "Show the page of curves before this one", group="Look"),
    *colours("main", ""),
    Action(
        "without_first",
        "d",
        "without_first",
        "without key 0",
        "Leave the first key out of the map and scale the rows up, or put it back",
        group="Look",
    ),
    Action(
        "boxes.larger",
        "b",
        "boxes(1)",
        "boxes",
        "Draw the boxes that are counted on the map, then larger ones; none beyond the largest",
        group="Look",
    ),
    Action(
        "boxes.smaller", "B", "boxes(-1)", "smaller boxes", "Draw smaller boxes; none beyond single cells", group="Look"
    ),
    Action(
        "threshold.lower",
        "left_curly_bracket",
        "threshold(-1)",
        "threshold -",
        "Count boxes above the next lower lift",
        group="Look",
    ),
    Action(
        "threshold.higher",
        "right_curly_bracket",
        "threshold(1)",
        "threshold +",
        "Count boxes above the next higher lift",
        group="Look",
    ),
    Action("maximise", "z", "maximise", "zoom pane", "Fill the screen with this pane, or put it back", group="Look"),
    *moves("main", ""),
    Action("go_to", "number_sign", "go_to", "go to head", "Go to a head by its number: 2.3, L2H3, e1.0", group="Move"),
    Action(
        "filter",
        "slash",
        "filter",
        "filter heads",
        "Show only some heads in the table: label=induction, D<1.8, layer>=6",
        group="Look",
    ),
    *jumps("main", "", PANES),
    Action(
        "compare",
        "c",
        "app.compare",
        "compare",
        "Compare this model with its untrained twin, or with others",
        group="Look",
        footer=True,
    ),
    Action(
        "report",
        "e",
        "app.report",
        "report",
        "Write what is shown as one HTML file that opens offline",
        group="Look",
        footer=True,
    ),
)
