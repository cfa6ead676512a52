"""What works on every screen."""

from __future__ import annotations

from faa_tui.actions.action import Action

EVERYWHERE: tuple[Action, ...] = (
    Action(
        "help",
        "question_mark,f1",
        "help",
        "help",
        "Keys that work here, and what every number means",
        scope="app",
        footer=True,
        key_display="?",
    ),
    Action(
        "login",
        "I",
        "app.login",
        "log in",
        "Log in to the machine of the model: the terminal is ssh's meanwhile",
        scope="app",
        group="Run",
    ),
    Action(
        "host",
        "M",
        "app.add_host",
        "add machine",
        "Name another machine, and how faa is started there",
        scope="app",
        group="Run",
    ),
    Action(
        "palette",
        "ctrl+p,colon",
        "command_palette",
        "commands",
        "Find and run any command by its name",
        scope="app",
        footer=True,
        key_display="^p",
    ),
    Action("picture", "E", "picture", "picture", "Save what is on the screen as an SVG", scope="app", group="Look"),
    Action("theme", "T", "change_theme", "theme", "Choose light, dark and other colours", scope="app", group="Look"),
    Action(
        "suspend",
        "ctrl+z",
        "suspend_process",
        "suspend",
        "Back to the shell; the command fg returns here",
        scope="app",
    ),
    Action("interrupt", "ctrl+c", "interrupt", "interrupt", "Cancel the running job; twice quits", scope="app"),
    Action("quit", "q", "quit", "quit", "Leave the application", scope="app", footer=True),
    Action(
        "quit.anywhere",
        "ctrl+q",
        "quit",
        "quit",
        "Leave the application, also from inside an editor",
        scope="app",
        priority=True,
    ),
)
