"""What the picks are compared with, how well they agree, and the threshold at which they agree best."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from relionlab.engine.picking.agreement import Agreement
from relionlab.errors import RelionlabError
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.picking.agreement_view import AgreementView
from relionlab.workflows.known_picks import KnownPicks

NOTHING = "nothing"


class KnownPanel(w.VBox):
    """A list of sources (or a file to type), the curve, and a button that takes the best threshold.

    named     returns the source of a label or file name, ``None`` for ""
    chosen    is called with the source that was chosen
    use_best  takes the threshold of the best F1
    """

    def __init__(
        self,
        *,
        named: Callable[[str], KnownPicks | None],
        chosen: Callable[[KnownPicks | None], None],
        use_best: Callable[[], None],
    ) -> None:
        self._named, self._chosen = named, chosen
        self.sources: list[KnownPicks] = []
        self.source: KnownPicks | None = None
        self._silent = False
        self.message = Message()
        tip = "Particles that are known: picked by hand, by another job, or simulated; or a STAR file of coordinates"
        self._choice = w.Combobox(
            placeholder="choose, or type the name of a STAR file", tooltip=tip, layout=w.Layout(width="auto")
        )
        self._choice.observe(self._entered, "value")
        self.view = AgreementView(height=150)
        self._best = button(
            "Threshold of best F1",
            "Take the threshold at which precision and recall together are best",
            use_best,
            message=self.message,
            width="auto",
        )
        self._words = w.HTML()
        self._none = w.HTML(
            '<div class="rl-muted rl-auto-say">Nothing is known of these micrographs yet. Picks by hand of two or three of them'
            " (ManualPick) would show precision and recall here at every threshold.</div>"
        )
        self._body = w.VBox([self._words, self.view])
        title = w.HTML('<div class="rl-auto-part">Compared with</div>', layout=w.Layout(flex="1 1 auto"))
        head = w.HBox([title, self._best], layout=w.Layout(align_items="center"))
        super().__init__([head, self._choice, self._none, self._body, self.message])
        self.add_class("rl-auto-known")

    def offer(self, sources: Sequence[KnownPicks]) -> None:
        """Offer these sources; the first is taken if it is sure: simulated, or picked by hand."""
        self.sources = list(sources)
        self._choice.options = tuple(source.label for source in sources)
        sure = [one for one in sources if "truth" in one.label or "manualpick" in one.label.lower()]
        self.source = sure[0] if sure else None
        self._silent = True
        self._choice.value = self.source.label if self.source else ""
        self._silent = False

    def show(self, agreement: Agreement | None, threshold: float) -> None:
        """Show how the picks agree at this threshold and all others."""
        there = agreement is not None and agreement.particles > 0
        self._body.layout.display = "" if there else "none"
        self._none.layout.display = "none" if there else ""
        self._best.layout.display = "" if there else "none"
        self.view.show(agreement, threshold)
        if agreement is None or not there:
            return
        precision, recall, f1 = agreement.at(threshold)
        best = agreement.best
        ideal = "" if best is None else f"; best F1 {agreement.at(best)[2]:.3f} at {best:.3g} (▼)"
        self._words.value = f'<div class="rl-auto-say">precision {precision:.3f} · recall {recall:.3f} · F1 <b>{f1:.3f}</b>{ideal}</div>'
        self._best.disabled = best is None

    def _entered(self, change: dict[str, object]) -> None:
        if self._silent:
            return
        try:
            self.source = self._named(str(change["new"]).strip())
        except RelionlabError as error:
            self.message.say(str(error), wrong=True)
            return
        self.message.say("")
        self._chosen(self.source)
