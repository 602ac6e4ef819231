"""A script for ChimeraX (.cxc): maps at their levels, in their colours, with local resolution, model and viewing directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relionlab.io.atomic import atomic_write


@dataclass(frozen=True)
class ScriptedMap:
    """A map as ChimeraX is to show it.

    path     of the file
    level    density of the surface
    color    as "#56B4E9"
    opacity  0 to 1
    style    "surface" or "mesh"
    place    x, y, z in Å by which it is moved, as where maps are tiled
    """

    path: Path
    level: float
    color: str
    opacity: float = 1.0
    style: str = "surface"
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)


def chimerax_script(
    maps: Sequence[ScriptedMap],
    *,
    local_resolution: tuple[Path, float, float] | None = None,
    model: Path | None = None,
    directions: Path | None = None,
) -> str:
    """Return a script that shows these maps.

    local_resolution  map (Å) that colours the first one, and the resolutions at the ends of the scale, blue to orange
    model             PDB or mmCIF file
    directions        a .bild of the angular distribution
    """
    lines = [
        "# written by relionlab; open it in ChimeraX",
        "set bgColor white",
        "lighting soft",
        "graphics silhouettes true",
    ]
    for number, one in enumerate(maps, 1):
        lines.append(f"open {_quoted(one.path)} id {number}")
        opacity = f" transparency {100 * (1 - one.opacity):.0f}" if one.opacity < 1 else ""
        lines.append(f"volume #{number} style {one.style} step 1 level {one.level:.6g} color {one.color}{opacity}")
        if any(one.place):
            lines.append(f"move {','.join(f'{x:.6g}' for x in one.place)} models #{number}")
    following = len(maps) + 1
    if local_resolution is not None and maps:
        path, low, high = local_resolution
        lines.append(f"open {_quoted(path)} id {following}")
        lines.append(f"volume #{following} hide")
        palette = f"{low:.4g},#56B4E9:{(low + high) / 2:.4g},#EEEEEE:{high:.4g},#D55E00"
        lines.append(f"color sample #1 map #{following} palette {palette}")
        lines.append(f"key #56B4E9:{low:.3g} #EEEEEE:{(low + high) / 2:.3g} #D55E00:{high:.3g}")
        following += 1
    if model is not None:
        lines += [f"open {_quoted(model)} id {following}", f"hide #{following} atoms", f"cartoon #{following}"]
        following += 1
    if directions is not None:
        lines.append(f"open {_quoted(directions)} id {following}")
    return "\n".join([*lines, "view", ""])


def write_chimerax_script(path: str | Path, script: str) -> Path:
    """Write a script; the name should end in .cxc."""
    path = Path(path)
    with atomic_write(path) as temporary:
        temporary.write_text(script, encoding="utf-8")
    return path


def _quoted(path: Path) -> str:
    return f'"{path.resolve().as_posix()}"'
