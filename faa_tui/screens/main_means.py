"""The main screen over several texts: the means of all heads, which have numbers and no maps."""

from __future__ import annotations

from textual.content import Content

from faa_core.records import LayerResult
from faa_core.replication import LayerReplication
from faa_tui.live_keys import with_keys
from faa_tui.means_table import numbers_of
from faa_tui.screens.main_look import MainLook
from faa_tui.session import Position

NO_MAP = "Maps and curves belong to single texts: {text.next} shows the first, {text.previous} the last."
"""Said where a mean has nothing to show; the keys are those of the actions in braces."""


class MainMeans(MainLook):
    """The main screen as far as it shows means over texts."""

    @property
    def _means(self) -> LayerReplication | None:
        """The means of the layer that is looked at; ``None`` where the screen shows a run."""
        if self._results is None or self.position is None:
            return None
        return self._results.means_at(self.position.kind, self.position.layer)

    def _title(self, result: LayerResult | None, position: Position) -> Content:
        means, results = self._means, self._results
        if means is None or results is None or results.means is None:
            return super()._title(result, position)
        kind = {"decoder": "", "encoder": "encoder ", "cross": "cross "}[position.kind]
        name, count = means.labels[position.head][0]
        texts = len(results.means.tokens)
        return Content.assemble(
            (f"{kind}layer {position.layer} head {position.head}", "bold"),
            f"  {name} in {count} of {texts}",
            ("  no map of a mean", "dim"),
        )

    def _draw_position(self) -> None:
        super()._draw_position()
        means, results = self._means, self._results
        if means is None or self.position is None or results is None or results.means is None:
            return
        self._statistics.show_means(means, self.position.head, len(results.means.tokens))
        self._numbers_pane.head(
            f"Mean of {len(results.means.tokens)} texts  layer {self.position.layer} head {self.position.head}"
        )
        self._readout.update(Content.styled(with_keys(self.app, NO_MAP), "dim"))
        self._tokens.show(None)
        self._text_pane.tell()

    def _fill_table(self) -> None:
        results, table = self._results, self._table()
        if results is None or results.means is None or table is None or self.position is None:
            super()._fill_table()
            return
        layers = [numbers_of(layer) for layer in results.means.layers]
        self._table_of_heads.show(layers, table.entry, (), self.position)

    def _draw_curves(self) -> None:
        super()._draw_curves()
        if self._means is not None:
            self._curve.show(None, why=NO_MAP)
            self._curve_pane.tell()
