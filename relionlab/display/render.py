"""Drawing: one HoloViews description becomes a Bokeh model, a self-contained page, a PDF or a PNG."""

from __future__ import annotations

import functools
import html
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from relionlab.display.picture import Picture
from relionlab.display.style import backends, upright
from relionlab.errors import InputError
from relionlab.io.atomic import atomic_write

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><script>{resources}</script>
<style>
body {{ font: 15px/1.5 "Helvetica Neue", Helvetica, Arial, sans-serif; color: #222; margin: 2em auto; max-width: 1280px; padding: 0 1em; }}
h1 {{ font-size: 1.5em; }} h2 {{ font-size: 1.15em; margin: 2em 0 .2em; }} p {{ margin: .2em 0 .8em; max-width: 60em; color: #444; }}
</style></head><body><h1>{title}</h1>
{body}
{script}</body></html>
"""


def to_bokeh(picture: Picture | Any) -> Any:
    """Return the picture as a Bokeh model, for a page or a widget."""
    from bokeh.models import Plot

    model = backends().renderer("bokeh").get_plot(_description(picture)).state
    for plot in model.select({"type": Plot}):
        plot.toolbar.logo = None
        if plot.width is None or plot.height is None:
            plot.sizing_mode = None  # HoloViews says "fixed", and Bokeh warns that only the frame's size is given
    return upright(model)


def to_matplotlib(picture: Picture | Any) -> Any:
    """Return the picture as a Matplotlib figure; it belongs to nobody else, and no window opens."""
    import matplotlib.pyplot as plt

    renderer = backends().renderer("matplotlib")
    figure = renderer.get_plot(_description(picture)).state
    plt.close(figure)
    return figure


def to_html(pictures: Picture | Iterable[Picture], path: str | Path | None = None, *, title: str = "") -> str:
    """Return (and write to ``path``) one page with these pictures, which needs nothing from the network.

    Title and caption of each picture stand above it.
    """
    from bokeh.embed import components

    several = [pictures] if isinstance(pictures, Picture) else list(pictures)
    script, parts = components([to_bokeh(picture) for picture in several])
    body = "\n".join(f"{heading(picture)}{part}" for picture, part in zip(several, parts, strict=True))
    title = title or several[0].title
    page = _PAGE.format(title=html.escape(title), resources=scripts(), body=body, script=script)
    if path is not None:
        write_whole(path, page.encode())
    return page


@functools.cache
def scripts() -> str:
    """Return BokehJS, with what our pictures need of it, to stand inside a page."""
    from bokeh.resources import Resources

    # not INLINE.render(): it adds Panel's extensions, which fetch files of their own
    return "\n".join(Resources(mode="inline", components=["bokeh", "bokeh-widgets", "bokeh-tables"]).js_raw)


def heading(picture: Picture) -> str:
    """Return title and caption of a picture as HTML."""
    return f"<h2>{html.escape(picture.title)}</h2><p>{html.escape(picture.caption)}</p>"


def to_png(picture: Picture, path: str | Path | None = None, *, dpi: int = 144) -> bytes:
    """Return (and write to ``path``) the picture as a PNG, drawn by Matplotlib."""
    buffer = io.BytesIO()
    to_matplotlib(picture).savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.1)
    if path is not None:
        write_whole(path, buffer.getvalue())
    return buffer.getvalue()


def to_pdf(pictures: Picture | Iterable[Picture], path: str | Path | None = None) -> bytes:
    """Return (and write to ``path``) a PDF with one picture per page."""
    from matplotlib.backends.backend_pdf import PdfPages

    several = [pictures] if isinstance(pictures, Picture) else list(pictures)
    buffer = io.BytesIO()
    with PdfPages(buffer, metadata={"Creator": "relionlab", "CreationDate": None}) as pages:
        for picture in several:
            figure = _titled(picture)
            pages.savefig(figure, bbox_inches="tight", pad_inches=0.3)
    if path is not None:
        write_whole(path, buffer.getvalue())
    return buffer.getvalue()


def save(picture: Picture, path: str | Path) -> Path:
    """Write the picture as .html, .pdf or .png; the suffix decides."""
    path = Path(path)
    writers = {".html": to_html, ".pdf": to_pdf, ".png": to_png}
    if path.suffix not in writers:
        raise InputError(
            f"A picture cannot be written as {path.name!r}: expected a name that ends in {', '.join(writers)}."
        )
    writers[path.suffix](picture, path)  # type: ignore[operator]
    return path


def show_in_notebook(picture: Picture) -> None:
    """Show title, caption and the Bokeh drawing below the running cell."""
    from IPython.display import HTML, display

    from relionlab.display.bokeh_view import BokehView

    title, caption = html.escape(picture.title), html.escape(picture.caption)
    told = f'<div style="font-weight: 600; font-size: 1.1em">{title}</div><div style="max-width: 60em">{caption}</div>'
    display(HTML(told), BokehView(picture))  # type: ignore[no-untyped-call]


def _description(picture: Picture | Any) -> Any:
    return picture.description if isinstance(picture, Picture) else picture


def _titled(picture: Picture) -> Any:
    """Return the Matplotlib figure with the picture's title and caption above the drawing."""
    import textwrap

    figure = to_matplotlib(picture)
    drawn = figure.get_tightbbox()  # inches; what is drawn may be smaller or larger than the sheet
    width, height = figure.get_size_inches()
    caption = textwrap.fill(picture.caption, max(60, int(15 * drawn.width)))
    left, top = drawn.x0 / width, drawn.y1 + 0.15
    text_height = 0.145 * (caption.count("\n") + 1) if caption else 0.0
    figure.text(left, top / height, caption, fontsize=8, color="#444444", va="bottom", ha="left")
    figure.text(
        left, (top + text_height + 0.08) / height, picture.title, fontsize=12, fontweight="bold", va="bottom", ha="left"
    )
    return figure


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file by way of a second one, so that nobody reads half a picture."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
