"""What the widgets look like: one small style sheet, in the colours of JupyterLab's own theme."""

from __future__ import annotations

import ipywidgets as w

_SHEET = """<style>
.rl-form, .rl-monitor, .rl-gallery { font-family: var(--jp-ui-font-family, sans-serif); max-width: 1060px; }
.rl-title { font-size: 1.25em; font-weight: 600; line-height: 1.4; }
.rl-muted { color: var(--jp-ui-font-color2, #666); }
.rl-row { padding: 1px 0; overflow: visible; }
.rl-row .widget-text input { text-align: left; }
.rl-label { line-height: 1.25; padding-top: 4px; display: block; cursor: help; }
.rl-unit { color: var(--jp-ui-font-color2, #666); padding-top: 2px; display: block; white-space: nowrap; }
.rl-help { color: var(--jp-ui-font-color2, #666); font-size: .92em; line-height: 1.35; padding: 0 0 6px 2px; }
.rl-problem { color: var(--jp-error-color1, #c62828); font-size: .95em; line-height: 1.35; padding-left: 2px; }
.rl-wrong input { border-color: var(--jp-error-color1, #c62828) !important; box-shadow: 0 0 0 1px var(--jp-error-color1, #c62828); }
.rl-off .rl-label, .rl-off .rl-unit { opacity: .45; }
.rl-code { background: var(--jp-layout-color2, #f3f3f3); border-radius: 3px; padding: 6px 9px; overflow-x: auto;
  font-family: var(--jp-code-font-family, monospace); font-size: .9em; white-space: pre-wrap; line-height: 1.4; }
.rl-state { display: inline-block; border-radius: 3px; padding: 0 8px; color: #fff; font-weight: 600; font-size: .88em; }
.rl-state-scheduled { background: #7f7f7f; } .rl-state-running { background: #0072b2; }
.rl-state-finished { background: #00785a; } .rl-state-failed { background: #b54a00; } .rl-state-aborted { background: #8a5a00; }
[data-jp-theme-light="false"] { --jp-widgets-dropdown-arrow: url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'%3E%3Cpath fill='none' stroke='%23bbb' stroke-width='2' d='M5 7l4 4 4-4'/%3E%3C/svg%3E"); }
[data-jp-theme-light="false"] .rl-map input[type=range] { color-scheme: dark; }
</style>"""


def style_sheet() -> w.HTML:
    """Return the style sheet as a widget that takes no room; each of our widgets holds one."""
    return w.HTML(_SHEET, layout=w.Layout(display="block", height="0", margin="0", overflow="hidden"))
