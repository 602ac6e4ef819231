"""The program ``import``: list raw images with their optics, or check another file and copy it into the job."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, ClassVar

from relionlab.errors import ParameterError
from relionlab.io.atomic import atomic_write
from relionlab.io.coordinate_files import write_coordinate_list, write_coords_suffix
from relionlab.io.job_names import without_job
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.finding import find_files
from relionlab.jobs.importing import checks, job
from relionlab.jobs.looking import quickly_read, spread
from relionlab.jobs.star.list_file import StarList
from relionlab.jobs.star.operations import same_value
from relionlab.jobs.star.optics_groups import assign_optics_groups
from relionlab.params import Parameter


def _mode(what: str, meaning: str) -> Parameter:
    return Parameter(label=f"Import {what}", help=meaning, tab="General", flag=f"--do_{what.split()[-1]}")


class ImportFiles(Program):
    """Bring files into the project: raw images as a list with optics, anything else as a checked copy."""

    name: ClassVar[str] = "import"
    title: ClassVar[str] = "Import"

    i: Annotated[
        str,
        Parameter(label="Input", help="File or wildcard to import.", tab="General", flag="--i", required=True),
    ] = ""
    odir: Annotated[
        str,
        Parameter(label="Output directory", help='As "Import/job001/".', tab="General", flag="--odir", required=True),
    ] = ""
    ofile: Annotated[
        str,
        Parameter(label="Output file", help='As "movies.star".', tab="General", flag="--ofile", required=True),
    ] = ""
    do_movies: Annotated[
        bool, _mode("movies", "Of movies that --i, a wildcard, matches: they stay where they are and are listed.")
    ] = False
    do_micrographs: Annotated[
        bool, _mode("micrographs", "Of images of one frame that --i, a wildcard, matches: they stay and are listed.")
    ] = False
    do_coordinates: Annotated[
        bool,
        _mode("coordinates", "Of a file per micrograph: in --i, * stands for the micrographs' names. They are copied."),
    ] = False
    do_halfmaps: Annotated[
        bool,
        _mode("unfiltered halfmaps", "Of the half-map --i and its partner, found by 'half1' and 'half2' in the names."),
    ] = False
    do_particles: Annotated[
        bool, _mode("particles", "Of a STAR file, which is checked with the stacks that it names and copied.")
    ] = False
    do_other: Annotated[
        bool,
        Parameter(
            label="Import anything else", help="Maps, masks, references, other lists.", tab="General", flag="--do_other"
        ),
    ] = False
    particles_optics_group_name: job.ParticlesOpticsGroup = ""
    optics_group_name: job.OpticsGroupName = "opticsGroup1"
    optics_group_mtf: job.MtfFile = ""
    angpix: job.PixelSize = 1.0  # the form has 1.4
    kv: job.Voltage = 300
    cs: job.SphericalAberration = 2.7
    q0: job.AmplitudeContrast = 0.1
    beamtilt_x: job.BeamTiltX = 0
    beamtilt_y: job.BeamTiltY = 0
    optics_group_rule: Annotated[
        str,
        Parameter(
            label="Optics groups by file name",
            help="Several groups instead of one, told by the names of the files: epu (place in EPU's template), epu-hole, epu-date,"
            " serialem, serialem-shot, or a regular expression; epu-beamshift: by the beam shift in EPU's .xml beside each movie."
            " The optics group's name comes before. Not in RELION.",
            tab="General",
            flag="--optics_group_rule",
        ),
    ] = ""
    do_continue: Annotated[
        bool,
        Parameter(
            label="Add to an earlier import",
            help="Keep the output's list and add the files that are new, for data that are still being collected.",
            tab="General",
            flag="--continue",
        ),
    ] = False
    ignore_headers: Annotated[
        bool,
        Parameter(
            label="Ignore headers",
            help="Trust the parameters and STAR files where the image files' headers contradict them. Not in RELION,"
            " which never looks.",
            tab="General",
            flag="--ignore_headers",
        ),
    ] = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        modes = ("do_movies", "do_micrographs", "do_coordinates", "do_halfmaps", "do_particles", "do_other")
        given = [f"--{mode}" for mode in modes if getattr(self, mode)]
        found = super().problems()
        if len(given) != 1:
            found.append(
                f"Give exactly one of {', '.join('--' + mode for mode in modes)}; got {' '.join(given) or 'none'}."
            )
        return found

    def look(self, context: Context) -> None:
        """Look at some of the images, or at the file that is to be copied."""
        files = find_files(context, self.i)
        if self.do_movies or self.do_micrographs:
            pixel_size = None if self.ignore_headers else self.angpix
            checks.check_raw_images(context, spread(files), pixel_size=pixel_size, movies=self.do_movies)
            if self.optics_group_mtf and context.path(self.optics_group_mtf).is_file():
                checks.check_mtf(context, self.optics_group_mtf)
        elif self.do_coordinates:
            checks.check_coordinates(context, spread(files))
        elif quickly_read(context, *files[:1]):
            name = self._only_one(files)
            if self.do_particles:
                checks.check_particles(context, name, ignore_headers=self.ignore_headers)
            else:
                (checks.check_half_maps if self.do_halfmaps else checks.check_other)(context, name)

    def run(self, context: Context) -> None:
        """Check the files, then list or copy them."""
        self.check()
        files = find_files(context, self.i)
        output = context.path(self.odir)
        output.mkdir(parents=True, exist_ok=True)
        if self.do_movies or self.do_micrographs:
            self._list_raw_images(context, files)
        elif self.do_coordinates:
            self._copy_coordinates(context, files)
        elif self.do_particles:
            self._copy_particles(context, files)
        else:
            self._copy_single(context, files)
        context.say(" done!")

    def _list_raw_images(self, context: Context, files: list[str]) -> None:
        pixel_size = None if self.ignore_headers else self.angpix
        files = checks.check_raw_images(context, files, pixel_size=pixel_size, movies=self.do_movies)
        if self.optics_group_mtf:
            checks.check_mtf(context, self.optics_group_mtf)
        label = "rlnMicrographMovieName" if self.do_movies else "rlnMicrographName"
        kind = "movies" if self.do_movies else "micrographs"
        place = context.path(self.odir + self.ofile)
        optics, known = self._optics(1), {}
        if self.do_continue and place.exists():
            old = read_star(place)
            optics, group = self._joined_optics(old["optics"])
            known = dict(zip(old[kind][label].tolist(), old[kind]["rlnOpticsGroup"].tolist(), strict=True))
            if not self.optics_group_rule:
                self._check_groups(files, known, group)
        else:
            group = 1
        listed = known | dict.fromkeys(files, group)
        table = Table({label: list(listed), "rlnOpticsGroup": list(listed.values())}, name=kind)
        made = StarList(table, optics, source=self.i)
        if self.optics_group_rule:
            from relionlab.exchange.epu import group_names

            told = group_names(listed, self.optics_group_rule, directory=context.directory)
            groups = [f"{self.optics_group_name}_{name}" for name in told]
            made = assign_optics_groups(made, groups)
        made.write(place)
        context.say(f" Written {self.odir}{self.ofile} with {len(listed)} items ({len(listed) - len(known)} new items)")

    def _optics(self, group: int) -> Table:
        """Make one row of the optics table, with the columns that RELION 3.1 writes, in its order."""
        columns: dict[str, object] = {"rlnOpticsGroupName": [self.optics_group_name], "rlnOpticsGroup": [group]}
        if self.optics_group_mtf:
            columns["rlnMtfFileName"] = [self.optics_group_mtf]
        if self.do_micrographs:
            columns["rlnMicrographPixelSize"] = [self.angpix]
        columns |= {
            "rlnMicrographOriginalPixelSize": [self.angpix],
            "rlnVoltage": [self.kv],
            "rlnSphericalAberration": [self.cs],
            "rlnAmplitudeContrast": [self.q0],
        }
        if self.beamtilt_x or self.beamtilt_y:
            columns |= {"rlnBeamTiltX": [self.beamtilt_x], "rlnBeamTiltY": [self.beamtilt_y]}
        return Table(columns, name="optics")

    def _joined_optics(self, old: Table) -> tuple[Table, int]:
        """Return the optics table with this group, and the group's number; ParameterError if it had other optics."""
        names = old["rlnOpticsGroupName"].tolist()
        if self.optics_group_name in names:
            row = names.index(self.optics_group_name)
            self._check_same_optics(old, row)
            return old, int(old["rlnOpticsGroup"][row])
        group = int(old["rlnOpticsGroup"].max()) + 1
        new = self._optics(group)
        missing = {label: "" if label == "rlnMtfFileName" else 0.0 for label in {*old.labels, *new.labels}}
        both = [
            table.with_columns({label: [empty] * len(table) for label, empty in missing.items() if label not in table})
            for table in (old, new)
        ]
        return Table.concatenate([both[0], both[1].only(*both[0].labels)]), group

    def _check_same_optics(self, old: Table, row: int) -> None:
        number = int(old["rlnOpticsGroup"][row])
        new = self._optics(number)
        for label in dict.fromkeys((*old.labels, *new.labels)):
            usual: object = "" if label == "rlnMtfFileName" else 0.0
            known = old[label][row] if label in old else usual
            given = new[label][0] if label in new else usual
            if not same_value(known, given):
                raise ParameterError(
                    f"{self.odir}{self.ofile} has optics group {self.optics_group_name} with {label} {known}, now it is"
                    f" {given}: give images of other optics a group of their own, with another --optics_group_name."
                )

    def _check_groups(self, files: list[str], known: dict[str, int], group: int) -> None:
        for name in files:
            if known.get(name, group) != group:
                raise ParameterError(
                    f"{name} is already in {self.odir}{self.ofile}, in optics group {known[name]}, not in"
                    f" {self.optics_group_name} ({group}): an image belongs to one group. Narrow the wildcard {self.i},"
                    " or give the group's old name."
                )

    def _copy_coordinates(self, context: Context, files: list[str]) -> None:
        if "*" not in self.i:
            raise ParameterError(
                f"--i is {self.i}; expected a wildcard with * in place of the micrographs' names, as"
                " Micrographs/*_pick.star, so that RELION can tell which coordinates belong to which micrograph."
            )
        checks.check_coordinates(context, files)
        for name in files:
            _copy(context.path(name), context.path(self.odir) / _inside(name))
        place = context.path(self.odir + self.ofile)
        before, _, suffix = self.i.rpartition("*")
        micrographs = [name[: len(name) - len(suffix)] + ".mrc" for name in files]
        if place.name.startswith("coords_suffix"):
            write_coords_suffix(place, f"{before}*.mrc")
        else:
            copies = [f"{self.odir}{_inside(name)}" for name in files]
            write_coordinate_list(place, zip(micrographs, copies, strict=True))
        context.say(f" Copied {len(files)} coordinate files to {self.odir}")

    def _copy_particles(self, context: Context, files: list[str]) -> None:
        name = self._only_one(files)
        checks.check_particles(context, name, ignore_headers=self.ignore_headers)
        place = context.path(self.odir + self.ofile)
        if not self.particles_optics_group_name:
            _copy(context.path(name), place)
            return
        tables = read_star(context.path(name))
        if "optics" not in tables:
            from relionlab.io.particles import read_particles, write_particles

            particles = read_particles(context.path(name))
            renamed = _renamed(particles.optics, self.particles_optics_group_name, name)
            write_particles(place, type(particles)(optics=renamed, particles=particles.particles))
            return
        tables["optics"] = _renamed(tables["optics"], self.particles_optics_group_name, name)
        write_star(place, tables)

    def _copy_single(self, context: Context, files: list[str]) -> None:
        name = self._only_one(files)
        if self.do_halfmaps:
            other = checks.check_half_maps(context, name)
            _copy(context.path(other), context.path(self.odir) / job.other_half(self.ofile))
        else:
            checks.check_other(context, name)
        _copy(context.path(name), context.path(self.odir + self.ofile))

    def _only_one(self, files: list[str]) -> str:
        if len(files) != 1:
            raise ParameterError(
                f"--i {self.i} matches {len(files)} files ({files[0]}, {files[1]} …): import one file at a time."
            )
        return files[0]


def _inside(name: str) -> str:
    """Return the place of a copy below the job's directory: the same path without another job's, or a leading slash.

    Coordinates are looked up by the micrograph's name below its job, so "MotionCorr/job002/Movies/a.box" becomes
    "Movies/a.box".
    """
    return without_job(name).removeprefix("/")


def _copy(source: Path, target: Path) -> None:
    with atomic_write(target) as temporary:
        shutil.copyfile(source, temporary)


def _renamed(optics: Table, name: str, file: str) -> Table:
    if len(optics) != 1:
        groups = ", ".join(optics["rlnOpticsGroupName"].tolist())
        raise ParameterError(
            f"{file} has {len(optics)} optics groups ({groups}); only a single one can be renamed to {name!r}."
            " Leave 'Rename optics group for particles' empty."
        )
    return optics.with_columns(rlnOpticsGroupName=[name])
