"""The tabs of the home page: each is made when it is first shown, and none that fails takes the others along."""

from __future__ import annotations

import functools
import html
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import ipywidgets as w

from relionlab.errors import RelionlabError
from relionlab.widgets.home.tab_bar import TabBar
from relionlab.widgets.parts.buttons import in_words

Make = Callable[[], w.Widget]
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass
class Tab:
    """One tab.

    key     by which it is found again
    title   what stands on it
    make    makes what it holds
    widget  what it holds; ``None`` until it is first shown
    failed  whether ``widget`` only says what went wrong
    """

    key: str
    title: str
    make: Make
    widget: w.Widget | None = None
    failed: bool = False


def _alone(method: Method) -> Method:
    """Let one thread at a time call a method of the tabs."""

    @functools.wraps(method)
    def called(self: Tabs, *values: Any, **options: Any) -> Any:
        with self.lock:
            return method(self, *values, **options)

    return called  # type: ignore[return-value]


class Tabs(w.VBox):
    """What is open.

    on_change  called after tabs were opened, shown or closed

    Clicks, cells, and the threads that watch jobs open and close tabs: each change is whole before the next begins.
    ``lock`` is held meanwhile, also while a page is made; whoever changes more than one thing at a time holds it as well.
    """

    def __init__(self, *, on_change: Callable[[], Any] | None = None) -> None:
        self.lock = threading.RLock()
        self.tabs: dict[str, Tab] = {}
        self.current = ""
        self.preview = ""
        self._on_change = on_change
        self.bar = TabBar()
        self.bar.on("show", self._chosen)
        self.bar.on("keep", self.keep)
        self.bar.on("close", self.close_tab)
        self._making = w.HTML(layout=w.Layout(display="none"))
        self._place = w.Box([self._making], layout=w.Layout(display="block"))
        self._place.add_class("rl-tab-place")
        super().__init__([self.bar, self._place])
        self.add_class("rl-tab-stack")

    @_alone
    def add(self, key: str, title: str, make: Make, *, preview: bool = False) -> w.Widget:
        """Show the widget that ``make`` returns; what is open under this key already is shown instead.

        preview  it is only looked at: the next one takes its place unless it is kept
        """
        if key not in self.tabs:
            new = Tab(key, title, make)
            if preview and self.preview in self.tabs:
                self._replace(self.preview, new)
            else:
                self.tabs[key] = new
            if preview:
                self.preview = key
        elif not preview:
            self.keep(key)
        shown = self.show(key)
        assert shown is not None
        return shown

    @_alone
    def keep(self, key: str) -> None:
        """Keep a tab that was only looked at until now."""
        if key and key == self.preview:
            self.preview = ""
            self._draw()
            self._told()

    @_alone
    def prepare(self, key: str, title: str, make: Make) -> None:
        """Add a tab that is made when somebody shows it."""
        self.tabs.setdefault(key, Tab(key, title, make))
        self._draw()

    @_alone
    def show(self, key: str) -> w.Widget | None:
        """Bring a tab to the front, and make what it holds if that has not been done."""
        tab = self.tabs.get(key)
        if tab is None:
            return None
        self.current = key
        if tab.widget is None:
            self._draw()  # the tab is there at once, what it holds may take a moment
            self._making.value = f'<div class="rl-making">Opening {html.escape(tab.title)} …</div>'
            self._making.layout.display = ""
            tab.widget = self._made(tab)
            self._put(tab.widget)
            self._making.layout.display = "none"
        self._draw()
        self._told()
        return tab.widget

    @_alone
    def close_tab(self, key: str) -> None:
        """Close a tab; the one beside it comes to the front."""
        if key not in self.tabs:
            return
        order = list(self.tabs)
        place = order.index(key)
        self._take_away(self.tabs.pop(key))
        if key == self.current:
            rest = list(self.tabs)
            self.current = rest[min(place, len(rest) - 1)] if rest else ""
            if self.current:
                self.show(self.current)
                return
        self._draw()
        self._told()

    @_alone
    def rename(self, key: str, title: str) -> None:
        """Give a tab another title."""
        if key in self.tabs and self.tabs[key].title != title:
            self.tabs[key].title = title
            self._draw()

    def widget(self, key: str) -> w.Widget | None:
        """Return what a tab holds, ``None`` if it is not open or was not made yet."""
        tab = self.tabs.get(key)
        return None if tab is None or tab.failed else tab.widget

    def _chosen(self, key: str) -> None:
        if key == self.current:  # the tab in front is clicked again, as by a double click
            self.keep(key)
        else:
            self.show(key)

    def _replace(self, old: str, new: Tab) -> None:
        """Put a tab where another one was, which is closed."""
        order = [new if tab.key == old else tab for tab in self.tabs.values()]
        gone, self.tabs = self.tabs[old], {tab.key: tab for tab in order}
        self._take_away(gone)

    def _take_away(self, tab: Tab) -> None:
        if tab.widget is None:
            return
        self._take(tab.widget)
        close_whole(tab.widget)

    def _made(self, tab: Tab) -> w.Widget:
        try:
            tab.failed = False
            return tab.make()
        except (RelionlabError, OSError) as error:
            return self._excuse(tab, in_words(error))
        except Exception as error:  # noqa: BLE001 - one page that fails must not take the others along
            return self._excuse(tab, f"This page could not be made ({type(error).__name__}: {error}).")

    def _excuse(self, tab: Tab, text: str) -> w.Widget:
        tab.failed = True
        again = w.Button(description="Try again", layout=w.Layout(width="100px"))
        again.on_click(lambda _button: self._again(tab))
        return w.VBox([w.HTML(f'<div class="rl-problem" role="alert">{html.escape(text)}</div>'), again])

    @_alone
    def _again(self, tab: Tab) -> None:
        old, tab.widget = tab.widget, None
        if old is not None:
            self._take(old)
        self.show(tab.key)

    # A page draws anew all children behind one that went: each tab keeps a box of its own, which the next one takes over.

    def _put(self, widget: w.Widget) -> None:
        box = next((box for box in self._boxes() if not box.children), None)
        if box is None:
            box = w.Box(layout=w.Layout(display="block", overflow="visible"))
            self._place.children = (*self._place.children, box)
        box.children = (widget,)

    def _take(self, widget: w.Widget) -> None:
        for box in self._boxes():
            if widget in box.children:
                box.children = ()

    def _boxes(self) -> tuple[w.Box, ...]:
        return self._place.children[1:]

    def _draw(self) -> None:
        self.bar.show([(tab.key, tab.title) for tab in self.tabs.values()], self.current, self.preview)
        self.bar.layout.display = "" if self.tabs else "none"
        for tab in self.tabs.values():
            if tab.widget is not None:
                display = "" if tab.key == self.current else "none"
                if tab.widget.layout.display != display:
                    tab.widget.layout.display = display

    def _told(self) -> None:
        if self._on_change is not None:
            self._on_change()


def close_whole(widget: w.Widget) -> None:
    """Close a widget and all in it: ipywidgets keeps each that is not closed, here and in the page, with its pictures."""
    with suppress(Exception):  # a widget that cannot close itself is gone from the page all the same
        widget.close()
    for part in (*getattr(widget, "children", ()), getattr(widget, "layout", None), getattr(widget, "style", None)):
        if isinstance(part, w.Widget):
            close_whole(part)
