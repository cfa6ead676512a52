"""Where another machine is named, and how faa is started there."""

from __future__ import annotations

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Footer, Input, Label, Static

from faa_core.errors import FaaError
from faa_core.worker.ssh import HostEntry
from faa_tui.hosts import Hosts
from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog

_FIELDS = (
    ("name", "Name", "gpu7", "in references: gpu7:gpt2"),
    ("ssh", "ssh", "the name, or user@machine", "what ssh is given; all of ~/.ssh/config holds"),
    ("command", "Start", "faa worker", "for example ~/venv/bin/faa worker"),
    ("prelude", "Before", "", "for example module load cuda; may stay empty"),
    ("device", "Device", "auto", "auto, cpu, cuda, cuda:1"),
)


class AddHost(Dialog[str]):
    """Writes the machine into the configuration, and answers with its name; what is wrong is said in place.

    Args:
        hosts: Machines that are known.
    """

    def __init__(self, hosts: Hosts) -> None:
        super().__init__()
        self._hosts = hosts

    def compose(self) -> ComposeResult:
        """One line for each thing to say."""
        with Vertical(id="host-box", classes="dialog"):
            for name, title, placeholder, meaning in _FIELDS:
                yield Label(Content.assemble((title, "bold"), (f"  {meaning}", "dim")))
                yield Input(placeholder=placeholder, id=f"host-{name}", compact=True)
            yield Static(id="host-message", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        self.query_one("#host-box").border_title = Content("Add a machine (enter writes it into the configuration)")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write it down, or say why not."""
        event.stop()
        values = {name: self.query_one(f"#host-{name}", Input).value.strip() for name, *_ in _FIELDS}
        name = values.pop("name")
        try:
            given = {key: value for key, value in values.items() if value}
            self._hosts.add(name, msgspec.convert(given, HostEntry))
        except FaaError as error:
            message = Content.assemble((visible(error.message), "$text-error"), f"\n{visible(error.hint)}")
            self.query_one("#host-message", Static).update(message)
        else:
            self.dismiss(name)
