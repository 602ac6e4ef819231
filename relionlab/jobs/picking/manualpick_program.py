"""The program ``manualpick``: prepares picking by hand, and tells what has been picked.

RELION's opens a window. This one runs without a screen: it writes the node of coordinates and the list of chosen
micrographs, and keeps what is there; the picker of the notebook works on the same files.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from relionlab.errors import RelionlabError
from relionlab.io.coordinate_files import CoordinateFiles, write_coords_suffix
from relionlab.io.coordinates import read_coordinates
from relionlab.io.job_names import as_folder
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.listing import look_at_images, names_of, read_micrographs
from relionlab.params import flagged

_flag = partial(flagged, tab="Display")


_PICKER = " For the picker; kept in the job."


class ManualPicking(Program):
    """Prepare picking by hand: the node of coordinates and the list of chosen micrographs; tells what is picked.

    Coordinates and the choice of micrographs of an earlier run are kept; micrographs that are new in the list are chosen.
    """

    name: ClassVar[str] = "manualpick"
    title: ClassVar[str] = "Manual picking"

    i: Annotated[
        str, _flag("Micrographs", "--i", "List of the micrographs.", tab="I/O", required=True, pattern="*.star")
    ] = ""
    odir: Annotated[str, _flag("Output directory", "--odir", 'As "ManualPick/job006/".', tab="I/O", required=True)] = (
        "ManualPick/"
    )
    pickname: Annotated[
        str,
        _flag(
            "Name of the picks",
            "--pickname",
            "Coordinates are written as MICROGRAPH_NAME.star.",
            tab="I/O",
            required=True,
        ),
    ] = "manualpick"
    selection: Annotated[
        str,
        _flag("Chosen micrographs", "--selection", "List of the chosen micrographs, to write and keep.", tab="I/O"),
    ] = "micrographs_selected.star"
    allow_save: Annotated[
        bool, _flag("Allow saving", "--allow_save", "RELION's window may save its choice.", tab="I/O")
    ] = False
    fast_save: Annotated[
        bool, _flag("Save at once", "--fast_save", "RELION's window saves without asking.", tab="I/O")
    ] = False
    pick_start_end: Annotated[
        bool, _flag("Start and end", "--pick_start_end", "Picks are both ends of filaments.", tab="I/O")
    ] = False
    particle_diameter: Annotated[
        float, _flag("Diameter", "--particle_diameter", f"Of the circles.{_PICKER}", unit="Å")
    ] = 100.0
    scale: Annotated[float, _flag("Scale", "--scale", f"Of the shown micrographs.{_PICKER}")] = 0.25
    sigma_contrast: Annotated[float, _flag("Contrast", "--sigma_contrast", f"Deviations.{_PICKER}", unit="σ")] = 0.0
    white: Annotated[float, _flag("White", "--white", f"Grey value.{_PICKER}")] = 0.0
    black: Annotated[float, _flag("Black", "--black", f"Grey value.{_PICKER}")] = 0.0
    lowpass: Annotated[float, _flag("Low pass", "--lowpass", f"Filter.{_PICKER}", unit="Å")] = -1.0
    highpass: Annotated[float, _flag("High pass", "--highpass", f"Filter.{_PICKER}", unit="Å")] = -1.0
    angpix: Annotated[float, _flag("Pixel size", "--angpix", f"Of the micrographs.{_PICKER}", unit="Å")] = -1.0
    ctf_scale: Annotated[float, _flag("CTF scale", "--ctf_scale", f"Of the power spectra.{_PICKER}")] = 1.0
    color_label: Annotated[str, _flag("Colour by", "--color_label", f"Column.{_PICKER}")] = ""
    color_star: Annotated[str, _flag("Colour list", "--color_star", f"Particles with it.{_PICKER}")] = ""
    blue: Annotated[float, _flag("Blue", "--blue", f"Value drawn blue.{_PICKER}")] = 0.0
    red: Annotated[float, _flag("Red", "--red", f"Value drawn red.{_PICKER}")] = 2.0

    def look(self, context: Context) -> None:
        """Look at the list and some of its micrographs."""
        look_at_images(context, read_micrographs(context, self.i, sized=False), finite=0.0)

    def run(self, context: Context) -> None:
        """Write node and selection, and tell what is picked."""
        self.check()
        micrographs = read_micrographs(context, self.i, sized=False)
        folder = as_folder(self.odir)
        context.path(folder).mkdir(parents=True, exist_ok=True)
        write_coords_suffix(context.path(f"{folder}coords_suffix_{self.pickname}.star"), self.i)
        selection = (
            self.selection if PurePosixPath(self.selection).parent != PurePosixPath() else folder + self.selection
        )
        chosen = self._chosen(context, micrographs, selection)
        write_particles(context.path(selection), chosen)
        write_particles(context.path(f"{folder}.micrographs_seen.star"), micrographs)
        self._tell(context, chosen, CoordinateFiles(folder, f"_{self.pickname}.star"))
        context.say(f" Written {selection} with {len(chosen)} of {len(micrographs)} micrographs")

    def _chosen(self, context: Context, micrographs: Particles, selection: str) -> Particles:
        """Return the micrographs less those that were taken out before."""
        seen = context.path(selection).parent / ".micrographs_seen.star"
        if not (context.path(selection).exists() and seen.exists()):
            return micrographs
        before, kept = (
            names_of(read_particles(place, kind="micrographs")) for place in (seen, context.path(selection))
        )
        taken_out = set(before) - set(kept)
        rows = [row for row, name in enumerate(names_of(micrographs)) if name not in taken_out]
        return micrographs.rows(rows)

    def _tell(self, context: Context, micrographs: Particles, files: CoordinateFiles) -> None:
        counts = {}
        for name in names_of(micrographs):
            place = context.path(files.path_of(name, project=context.path(".")) or "")
            if not place.is_file():
                continue
            try:
                counts[name] = len(read_coordinates(place))
            except RelionlabError as error:
                context.warn(f"{name}: {error}")
        context.say(f" {sum(counts.values())} particles are picked on {len(counts)} of {len(micrographs)} micrographs")
