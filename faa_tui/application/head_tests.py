"""One statistic of every head tested against random attention, on request, while one goes on looking."""

from __future__ import annotations

import numpy as np

from faa_core.catalogue import BY_KEY
from faa_core.comparison.order import RATE
from faa_core.errors import Cancelled
from faa_core.findings import TESTED
from faa_tui import messages
from faa_tui.application.runs import RunsApp
from faa_tui.messages import TestsKey
from faa_tui.session import Order


class HeadTestsApp(RunsApp, inherit_bindings=False):
    """Has the statistic that colours the heads tested on the run on the main screen, one at a time."""

    _testing: TestsKey | None = None

    def action_test(self) -> None:
        """Test the statistic that is shown, or give up the test that is under way."""
        if self._testing is not None:
            self.fleet.cancel(self._testing)
            return
        results, statistic = self.main.results, self.main.statistic
        if results is None or self.phase.under_way:
            self._say("Heads are tested once a run is done.")
        elif statistic not in TESTED:
            names = ", ".join(BY_KEY[key].symbol for key in TESTED)
            self._say(f"{BY_KEY[statistic].title} has no test; {names} have one.")
        elif not self.fleet.holds(results.run):
            self._say("No worker holds these maps any more; run the text again first.")
        else:
            self._testing = TestsKey(results.run, statistic)
            self._tell("begins")
            self.fleet.ask(self._testing)

    def submit(self, order: Order) -> None:
        """Give up a test that is under way: the run would wait for its end."""
        if self._testing is not None:
            self.fleet.cancel(self._testing)
        super().submit(order)

    def on_tests_progressed(self, message: messages.TestsProgressed) -> None:
        """Say how far it has come."""
        if message.key == self._testing:
            progress = message.progress
            self._tell(f"{progress.done} of {progress.total} {progress.unit}" if progress.total else progress.text)

    def on_tests_arrived(self, message: messages.TestsArrived) -> None:
        """Keep the p-values, and put them beside the heads."""
        self._end(message.key)
        self.history.keep_tests(message.key.run, message.tests)
        results = self.main.results
        if results is None or results.run != message.key.run:
            return
        others = [tests for tests in results.tests if tests.statistic != message.key.statistic]
        results.tests = (*others, message.tests)
        self.main.arrived()
        q = np.concatenate([layer.q for layer in message.tests.layers])
        tested = np.isfinite(q)
        self._say(
            f"{int((q[tested] <= RATE).sum())} of {int(tested.sum())} heads differ in "
            f"{BY_KEY[message.key.statistic].title.lower()} from rows shuffled at random, with at most "
            f"{RATE:.0%} false discoveries. The table of all heads has q, and q<.05 in its filter finds them."
        )

    def on_tests_failed(self, message: messages.TestsFailed) -> None:
        """Say why there are none; what was given up needs no word."""
        self._end(message.key)
        if message.fail.kind != Cancelled.kind:
            self.show_fault(message.fail)

    def action_cancel(self) -> None:
        """Give up the test first, where no run is under way."""
        if self._testing is not None and not self.phase.under_way:
            self.fleet.cancel(self._testing)
        else:
            super().action_cancel()

    def _end(self, key: TestsKey) -> None:
        if key == self._testing:
            self._testing = None
            self.main.tell_tests("")

    def _tell(self, how_far: str) -> None:
        assert self._testing is not None
        self.main.tell_tests(f"testing {BY_KEY[self._testing.statistic].symbol}: {how_far}")

    def _say(self, text: str) -> None:
        self.notify(text, title="Test", markup=False, timeout=10)
