"""What the comparison has to copy, and what it has to explain, in the pane that is in focus."""

from __future__ import annotations

from faa_core.worker.protocol import Fail
from faa_tui import copying, explaining
from faa_tui.comparison_tables import LETTERS
from faa_tui.copying import Offer
from faa_tui.explaining import Explained
from faa_tui.live_keys import with_keys
from faa_tui.screens.compare_maps import CompareMaps


class CompareOffers(CompareMaps):
    """The comparison as far as it gives away what it shows."""

    def show_fault(self, fail: Fail, keys: str) -> None:
        """Show a fault until `clear_fault`; ids of actions in braces become their keys."""
        super().show_fault(fail, with_keys(self.app, keys))

    def offers(self) -> tuple[Offer, ...]:
        """All that can be copied or written to a file, that of the pane in focus first."""
        offers: list[Offer] = []
        pane = self.pane_id or "other"  # a third or a fourth map
        pairs = () if self.comparison is None else copying.of_pairs(self.comparison, self.statistic, self.pair_index)
        if pane in ("first", "other", "difference"):
            offers += self._of_maps(pane)
        elif pane == "matrix":  # the difference before the row
            offers += sorted(pairs, key=lambda offer: offer.name != "difference")
        elif pane == "plot":
            drawn = [line.plain.rstrip() for line in self._plot.draw_page(*self._plot.size) or ()]
            if drawn:
                offers.append(copying.Copy("plot", "as text", lambda: "\n".join(drawn) + "\n"))
        offers += [offer for offer in pairs if offer not in offers]
        comparing = self.comparing
        references = [side.reference for side in comparing.sides]
        offers += copying.of_comparison(references, comparing.texts, comparing.options)
        if self.comparison is not None:
            offers.append(copying.REPORT)
        return (*offers, copying.PICTURE)

    def _of_maps(self, pane: str) -> tuple[Offer, ...]:
        if all(heat_map.reading is None for heat_map in self._maps[: len(self.comparing.sides)]):
            return ()
        weights, exact = self.weights()
        named = [*zip(LETTERS, weights, strict=False), (f"{LETTERS[self.other]}-A", weights[self.other] - weights[0])]
        first = {"first": 0, "other": self.other, "difference": len(named) - 1}[pane]
        ordered = [named[first], *named[:first], *named[first + 1 :]]
        return copying.of_linked_maps(*self._maps[0].cursor, ordered, exact)

    def explained(self) -> tuple[Explained, ...]:
        """What can be explained: the statistic that is compared, and in a map what its weights are."""
        here = explaining.of_pair(self.statistic, self.comparison, self.pair_index)
        return (Explained("lift"), here) if (self.pane_id or "other") in ("first", "other", "difference") else (here,)
