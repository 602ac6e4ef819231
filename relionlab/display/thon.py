"""CTF estimation: rings beside their model, profiles with the quality of the fit, and all micrographs of a job.

Read from micrographs_ctf.star and the files of CTFFIND's form beside it, whoever wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.histograms import histogram
from relionlab.display.mosaic import Mosaic, captions, grey, mosaic, sheet
from relionlab.display.picture import Picture
from relionlab.display.results import find_file
from relionlab.display.style import PALETTE, both, dots, grid, line, panel
from relionlab.display.words import many
from relionlab.errors import NodeError, RelionlabError, StarError
from relionlab.exchange.ctffind4 import read_avrot
from relionlab.io.images import read_image
from relionlab.io.particles import Particles, read_particles
from relionlab.io.star import read_star
from relionlab.jobs.ctf.comparison import TABLE, Comparison, compare, comparison_of, estimates_of
from relionlab.jobs.ctf.doubts import COARSE

LIST = "micrographs_ctf.star"
_FREQUENCY = ("frequency", "Spatial frequency (1/Å)")
_TITLES = 34  # letters of a micrograph's name that fit above a panel


@dataclass(frozen=True)
class CtfList:
    """Micrographs with their CTF, in the order of the list.

    micrographs  the rows
    star         the file that they are from
    """

    micrographs: Particles
    star: Path

    @property
    def names(self) -> list[str]:
        """Names without folder and ending."""
        return [Path(name).stem for name in self.micrographs.column("rlnMicrographName").tolist()]

    @property
    def defocus(self) -> np.ndarray:
        """Mean defocus in Å."""
        return 0.5 * (self.numbers("rlnDefocusU") + self.numbers("rlnDefocusV"))

    def numbers(self, label: str, default: float = np.nan) -> np.ndarray:
        """Return a column as numbers; ``default`` where the list lacks it."""
        if label not in self.micrographs:
            return np.full(len(self.micrographs), default)
        return np.asarray(self.micrographs.column(label), dtype=np.float64)

    def spread(self, count: int) -> list[int]:
        """Return rows from the best fit to the worst, evenly chosen."""
        limits = np.where(np.isfinite(self.numbers("rlnCtfMaxResolution")), self.numbers("rlnCtfMaxResolution"), 999.0)
        order = np.argsort(limits, kind="stable")
        chosen = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))
        return order[chosen].tolist()


def read_ctf_list(source: str | Path) -> CtfList:
    """Read micrographs_ctf.star, or that of a CtfFind job directory."""
    star = Path(source) / LIST if Path(source).is_dir() else Path(source)
    if not star.exists():
        raise NodeError(f"{star} does not exist: expected the list of a CtfFind job that has finished.")
    micrographs = read_particles(star, kind="micrographs")
    if "rlnDefocusU" not in micrographs:
        raise StarError(f"{star} has no defocus (rlnDefocusU): expected the list of a CtfFind job.")
    return CtfList(micrographs, star)


def ctf_pictures(source: str | Path) -> list[Picture]:
    """Return the pictures of a CtfFind job: all micrographs, rings, profiles; those whose files are there."""
    listed = read_ctf_list(source)
    drawn = [ctf_overview(listed)]
    for made in (thon_rings, ctf_profiles):
        try:
            drawn.append(made(listed))
        except RelionlabError:  # RELION's users delete these files to save room
            continue
    return drawn


def thon_rings(source: CtfList | str | Path, *, count: int = 6, pixels: int = 288) -> Picture:
    """Draw power spectra, the observed half beside the model's, of fits from the best to the worst.

    source  a CtfFind job directory, its micrographs_ctf.star, or that file read
    """
    listed = source if isinstance(source, CtfList) else read_ctf_list(source)
    return _rings(listed, listed.spread(count), pixels=pixels)


def ctf_fit(source: CtfList | str | Path, row: int) -> list[Picture]:
    """Return the fit of one micrograph: its rings in 2D beside the model's, and its profile in 1D; those whose files are there.

    row  of the list, from 0
    """
    listed = source if isinstance(source, CtfList) else read_ctf_list(source)
    drawn = []
    for made in (lambda: _rings(listed, [row], pixels=360), lambda: _one_profile(listed, row)):
        try:
            drawn.append(made())
        except RelionlabError:  # RELION's users delete these files to save room
            continue
    if not drawn:
        raise NodeError(
            f"The pictures of the fit of {listed.names[row]} are gone (rlnCtfImage and *_avrot.txt in {listed.star.parent})."
        )
    return drawn


def _rings(listed: CtfList, chosen: list[int], *, pixels: int) -> Picture:
    if "rlnCtfImage" not in listed.micrographs:
        raise StarError(f"{listed.star} names no pictures of the fits (rlnCtfImage).")
    images = [_image(listed, row) for row in chosen]
    plan = Mosaic(count=len(images), columns=min(3, len(images)), pixels=pixels, lines=2)
    texts = [f"{listed.names[row][-_TITLES:]}\n{_told(listed, row)}" for row in chosen]
    tiles = [grey(image, diameter=1.5, clip=(5.0, 95.0)) for image in images]
    return Picture(
        sheet(mosaic(tiles, plan) * captions(texts, plan), plan),
        "Thon rings",
        f"{_which(len(images), len(listed.micrographs))} Left: the observed power"
        " spectrum without its background, in the lower quarter averaged along the rings; right: the fitted CTF². Rings have to"
        " meet in the middle.",
    )


def ctf_profiles(source: CtfList | str | Path, *, count: int = 4) -> Picture:
    """Draw profiles of the spectra with the model and the quality of the fit, from the best to the worst."""
    listed = source if isinstance(source, CtfList) else read_ctf_list(source)
    panels = [_profile_panel(listed, row) for row in listed.spread(count)]
    return Picture(
        grid(panels),
        "Profiles",
        "Black: power spectrum averaged along the rings, between 0 and 1; orange: fitted CTF²; blue: correlation of the two"
        " around each frequency. The fit counts up to the dashed line, the resolution of the fit.",
    )


def ctf_profile(avrot: str | Path, *, title: str = "", resolution: float = np.nan) -> Picture:
    """Draw the profile in one file *_avrot.txt; ``resolution`` (Å) is marked."""
    drawn = _curves(read_avrot(avrot), title or Path(avrot).name, resolution)
    return Picture(drawn, "Profile", "Black: spectrum; orange: fitted CTF²; blue: quality of the fit, -1 to 1.")


def ctf_overview(source: CtfList | str | Path) -> Picture:
    """Draw defocus and astigmatism over the micrographs, and how far the fits reach."""
    listed = source if isinstance(source, CtfList) else read_ctf_list(source)
    number = np.arange(1, len(listed.micrographs) + 1)
    along = ("micrograph", "Micrograph")
    limit, merit = listed.numbers("rlnCtfMaxResolution"), listed.numbers("rlnCtfFigureOfMerit")
    astigmatism = listed.numbers("rlnDefocusU") - listed.numbers("rlnDefocusV")
    panels = [
        panel(
            dots(number, listed.defocus / 1e4, (along, ("defocus", "Defocus (µm)")), hover=True), "Defocus", whole="x"
        ),
        panel(
            dots(number, astigmatism, (along, ("astigmatism", "U − V (Å)")), hover=True, color=PALETTE[1]),
            "Astigmatism",
            whole="x",
        ),
    ]
    for title, values, dim in (
        ("Resolution of the fit", limit, ("limit", "Rings fit to (Å)")),
        ("Figure of merit", merit, ("merit", "Correlation with the spectrum")),
    ):
        panels += _histogram(values, dim, title)
    shift = listed.numbers("rlnPhaseShift")
    if np.isfinite(shift).any() and np.ptp(shift[np.isfinite(shift)]) > 0:
        panels.append(
            panel(dots(number, shift, (along, ("shift", "Phase shift (°)")), color=PALETTE[2]), "Phase shift")
        )
    worst = f" The worst fit: {listed.names[listed.spread(len(number))[-1]]}." if len(number) > 1 else ""
    return Picture(
        grid(panels),
        "CTF of all micrographs",
        f"{many(len(number), 'micrograph')}, defocus {listed.defocus.min() / 1e4:.2f} to {listed.defocus.max() / 1e4:.2f} µm; median fit"
        f" to {np.nanmedian(limit):.1f} Å. Single high astigmatism or poor resolution means a micrograph to look at.{worst}",
    )


def compare_ctf(first: CtfList | str | Path, second: CtfList | str | Path) -> Picture:
    """Draw how two estimates of the same micrographs differ: in defocus, and from which resolution on that matters.

    first, second  CtfFind job directories or micrographs_ctf.star; micrographs of the same name are compared
    """
    one, other = (given if isinstance(given, CtfList) else read_ctf_list(given) for given in (first, second))
    named = [estimates_of(part.micrographs, str(part.star)) for part in (one, other)]
    return _compared(compare(*named, voltage_kv=one.numbers("rlnVoltage").tolist()))


def comparison_pictures(source: str | Path) -> list[Picture]:
    """Return the pictures of a directory that the program ``compare_ctf`` wrote."""
    (table,) = read_star(Path(source) / f"{TABLE}.star").values()
    return [_compared(comparison_of(table))]


def _compared(found: Comparison) -> Picture:
    different = found.different
    mean, along = found.defocus / 1e4, ("mean", "Mean defocus of the first (µm)")
    drawn = [
        panel(dots(mean, different.defocus, (along, ("d", "Defocus, second − first (Å)")), hover=True), "Defocus"),
        panel(
            dots(mean, different.astigmatism, (along, ("a", "Difference (Å)")), hover=True, color=PALETTE[1]),
            "Astigmatism",
        ),
        *_histogram(different.defocus, ("dd", "Defocus, second − first (Å)"), "Differences"),
        *_histogram(np.minimum(different.resolution, 30.0), ("r", "90° apart at (Å)"), "Resolution of disagreement"),
    ]
    return Picture(
        grid(drawn),
        "Two estimates of the CTF",
        f"{found}. Finer resolutions are better: images corrected by the wrong one of the two are of no use beyond.",
    )


def _which(shown: int, count: int) -> str:
    return "" if shown == 1 else f"{shown} of {many(count, 'micrograph')}, from the best fit to the worst."


def _image(listed: CtfList, row: int) -> np.ndarray:
    name = str(listed.micrographs.column("rlnCtfImage")[row]).partition(":")[0]
    return read_image(find_file(name, listed.star))


def _told(listed: CtfList, row: int) -> str:
    limit = listed.numbers("rlnCtfMaxResolution")[row]
    worth = "may be chance" if limit > COARSE else f"fit to {limit:.1f} Å"
    return f"{listed.defocus[row] / 1e4:.2f} µm, {worth}"


def _one_profile(listed: CtfList, row: int) -> Picture:
    return Picture(
        both(_profile_panel(listed, row), {"width": 580, "height": 400}, {}),
        "Profile",
        "Black: spectrum, averaged along the rings; orange: fitted CTF²; blue: quality of the fit, counted up to the dashed line.",
    )


def _profile_panel(listed: CtfList, row: int) -> Any:
    image = str(listed.micrographs.column("rlnCtfImage")[row]).partition(":")[0]
    rows = read_avrot(find_file(str(Path(image).with_suffix("")) + "_avrot.txt", listed.star))
    title = f"{listed.names[row][-_TITLES:]}: {_told(listed, row)}"
    return _curves(rows, title, float(listed.numbers("rlnCtfMaxResolution")[row]))


def _curves(rows: np.ndarray, title: str, resolution: float) -> Any:
    import holoviews as hv

    frequency, _, observed, model, quality = rows[:5]
    begun = max(int(np.argmax(quality != 0)), 1)
    dims = (_FREQUENCY, ("value", "CTF², fit quality"))
    part = slice(begun, None)
    lines = [
        line(frequency[part], model[part], dims, color=PALETTE[4], width=1.5),
        line(frequency[part], np.clip(quality[part], -0.5, 1), dims, color=PALETTE[0], width=1.5),
        line(frequency[part], np.clip(observed[part], -0.5, 1.5), dims, color="#000000", width=1),
    ]
    if np.isfinite(resolution) and resolution < 900:
        mark = np.array([1 / resolution] * 2)
        lines.append(line(mark, np.array([-0.5, 1.5]), dims, color="#7F7F7F", width=1.5, dash="dashed"))
    step = 0.1 if frequency[-1] > 0.3 else 0.05
    ticks = [(k, f"{k:g}\n{1 / k:.3g} Å") for k in np.arange(step, frequency[-1], step).round(2).tolist()]
    return panel(hv.Overlay(lines), title, ylim=(-0.5, 1.5), xticks=ticks)


def _histogram(values: np.ndarray, dim: tuple[str, str], title: str) -> list[Any]:
    return [histogram(values, dim, "Micrographs", title=title)] if np.isfinite(values).any() else []
