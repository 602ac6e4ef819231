"""The program ``reconstruct``: a map from particles whose poses are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar

import numpy as np

from relionlab.engine.memory import available_memory
from relionlab.engine.parallel import executor_for
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.steps import InlineExecutor
from relionlab.engine.symmetry import point_group
from relionlab.engine.volume import FourierSums, Lattice, reconstruct, weight_spectrum
from relionlab.errors import ComputeError, ImageError, NodeError, StarError
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_map, write_map
from relionlab.io.particles import Particles, read_particles
from relionlab.io.star import read_star
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.particles.aberrations import with_magnification
from relionlab.jobs.particles.ctfs import CtfTreatment
from relionlab.jobs.particles.optics import has_ctf
from relionlab.jobs.reconstruction.backprojection import BackProjection, Inserted
from relionlab.jobs.reconstruction.poses import origins_px, rotations_of
from relionlab.jobs.reconstruction.reconstruct_options import ReconstructOptions
from relionlab.params import Parameter

_MOST_SHARDS = 32
_SAMPLES_PER_POINT = 2  # that a shard puts in at least: merging should cost less than adding up
_SUMS_IN_FLIGHT = 4 * 2**30  # bytes of unmerged sums
_INLINE_BELOW = 10**8  # pixels that are not worth starting workers for


class Reconstruct(Program, ReconstructOptions):
    """Reconstruct a map from particles whose poses are known, with CTF and symmetry."""

    name: ClassVar[str] = "reconstruct"
    title: ClassVar[str] = "Reconstruction"

    i: Annotated[
        str,
        Parameter(
            label="Particles",
            help="Particles with angles and origins, as a refinement's run_data.star.",
            tab="I/O",
            flag="--i",
            required=True,
            pattern="*.star",
        ),
    ] = ""
    o: Annotated[str, Parameter(label="Output map", help="The map to write, as .mrc.", tab="I/O", flag="--o")] = (
        "relion.mrc"
    )

    def run(self, context: Context) -> None:
        """Choose the particles, add them up, divide, write."""
        self.check()
        group = point_group(self.sym)
        path = context.path(self.i)
        if not path.is_file():
            raise NodeError(f"{self.i} is not there (looked in {context.directory}): give a particles STAR file.")
        particles = self._chosen(read_particles(path, directory=context.directory))
        box = ImageReader(particles.particles["rlnImageName"][:1], context.directory).shape[-1]
        pixel_size = self.angpix or float(particles.pixel_sizes[particles.group_rows[0]])
        lattice = Lattice(box, self._radius(box, pixel_size), self.pad)
        step = self._step(particles, lattice, pixel_size, context)
        inserted = self._added_up(step, context)
        _say_bad(inserted, particles, context)
        sums = inserted.sums
        prior = self._prior(sums, context) if self.fsc else None
        map_ = reconstruct(sums, group=group, inverse_tau2=prior, rounds=self.rounds())
        context.path(self.o).parent.mkdir(parents=True, exist_ok=True)
        write_map(context.path(self.o), map_, pixel_size=pixel_size)
        context.say(
            f" Written {self.o}: {box} px of {pixel_size:g} Å, {group.name}, from {len(particles) - len(inserted.bad)} particles"
        )

    # --- what goes in ---------------------------------------------------------------------------------------------

    def _chosen(self, particles: Particles) -> Particles:
        """Return the particles of the class and half-set that were asked for; raises StarError if none is left."""
        chosen = np.ones(len(particles), bool)
        wanted = (("rlnRandomSubset", self.subset if self.subset in (1, 2) else None), ("rlnClassNumber", self.class_))
        for label, value in wanted:
            if value is None:
                continue
            if label not in particles:
                raise StarError(
                    f"{self.i} has no column {label}, by which particles are to be chosen: leave the flag out."
                )
            chosen &= particles.column(label) == value
        if not chosen.any():
            raise StarError(f"{self.i}: none of the {len(particles)} particles is of the chosen class and half-set.")
        if "rlnImageDimensionality" in particles.optics and (particles.optics["rlnImageDimensionality"] == 3).any():
            raise ImageError(f"{self.i} lists subtomograms (rlnImageDimensionality 3); expected 2D images.")
        particles = particles.rows(chosen)
        if self.img:
            names = [self._prefixed(name) for name in particles.particles["rlnImageName"]]
            particles = particles.with_columns(rlnImageName=names)
        return particles

    def _prefixed(self, name: str) -> str:
        number, at, path = name.rpartition("@")
        return f"{number}{at}{self.img}/{path}"

    def _radius(self, box: int, pixel_size: float) -> int:
        finest = box // 2
        return finest if self.maxres is None else min(finest, int(np.ceil(box * pixel_size / self.maxres)))

    def _step(self, particles: Particles, lattice: Lattice, pixel_size: float, context: Context) -> BackProjection:
        if self.ctf and not has_ctf(particles):
            raise StarError(f"{self.i} has no CTF columns (rlnDefocusU …): estimate the CTF first, or leave out --ctf.")
        rng = np.random.default_rng(0)
        rotations: Any = rotations_of(particles)
        origins: Any = origins_px(particles)
        if self.angular_error:
            angles = rng.normal(0, self.angular_error, (3, len(particles)))
            named = [particles.particles[f"rlnAngle{name}"] for name in ("Rot", "Tilt", "Psi")]
            rotations = matrix_from_euler(*(a + b for a, b in zip(named, angles, strict=True)))
        if self.shift_error:
            origins = origins + rng.normal(0, self.shift_error, origins.shape) / particles.row_pixel_sizes[:, None]
        weights: Any = np.ones(len(particles))
        if self.fom_weighting:
            if "rlnParticleFigureOfMerit" not in particles:
                raise StarError(f"{self.i} has no column rlnParticleFigureOfMerit: leave out --fom_weighting.")
            weights = np.array(particles.column("rlnParticleFigureOfMerit"), float)
        label = "rlnCtfDataAreCtfPremultiplied"
        return BackProjection(
            particles=particles,
            rotations=with_magnification(particles, rotations),
            origins_px=origins,
            weights=weights,
            lattice=lattice,
            pixel_size=pixel_size,
            directory=str(context.directory),
            treatment=self.treatment(),
            multiplied=(particles.column(label) != 0) if label in particles else np.zeros(len(particles), bool),
            subtract=self._subtracted(lattice.n, context),
        )

    def treatment(self) -> CtfTreatment | None:
        """Return how the CTF is corrected; None: not at all."""
        if not self.ctf:
            return None
        return CtfTreatment(self.ctf_phase_flipped, self.only_flip_phases, self.ctf_intact_first_peak, aberrations=True)

    def _subtracted(self, box: int, context: Context) -> np.ndarray | None:
        if not self.subtract:
            return None
        map_, _ = read_map(context.path(self.subtract))
        if map_.shape != (box,) * 3:
            raise ImageError(f"{self.subtract} is {map_.shape} px; expected a cube of {box} px, the particles' box.")
        return map_

    # --- what happens to it ---------------------------------------------------------------------------------------

    def _added_up(self, step: BackProjection, context: Context) -> Inserted:
        count, sums = len(step.particles), step.lattice.voxels * 12
        # shards follow from the data alone, never from the workers, so that neither does the map
        samples = count * step.lattice.n**2 // 2
        most = min(_MOST_SHARDS, _SUMS_IN_FLIGHT // sums, samples // (_SAMPLES_PER_POINT * step.lattice.voxels))
        size = max(context.settings.particles_per_shard, -(-count // max(int(most), 1)))
        wanted = replace(context.settings, workers=self.j) if self.j else context.settings
        free = int(wanted.memory_gigabytes * 2**30) or available_memory()
        workers = min(wanted.cores(), max(1, -(-count // size)), int(free // sums) - 3)
        need = sums * (max(workers, 1) + 3)
        context.say(f" {count} particles, box {step.lattice.n} px; memory: about {need / 2**20 + 200:.0f} MB")
        if workers < 1:
            raise ComputeError(
                f"The sums of a box of {step.lattice.n} px at padding {step.lattice.padding} take {sums / 2**20:.0f} MB, four"
                f" times that is needed, and {free / 2**20:.0f} MB are free. Use --pad 1, --maxres, or a smaller box."
            )
        small = count * step.lattice.n**2 < _INLINE_BELOW
        executor = InlineExecutor() if small or workers == 1 else executor_for(replace(wanted, workers=workers))
        rows = [np.arange(start, min(start + size, count)) for start in range(0, count, size)]

        def on_shard(done: int, total: int) -> None:
            context.stop_if_asked()
            context.progress(done, total, "parts")

        try:
            result: Inserted = executor.run(step, rows, on_shard)
            return result
        finally:
            executor.close()

    def _prior(self, sums: FourierSums, context: Context) -> np.ndarray:
        """Return 1 / tau² per shell from the FSC of two half-maps: SSNR = C / (1 - C), tau² = SSNR × sigma².

        C = sqrt(2 FSC / (1 + FSC)) is the whole map's correlation with a perfect one (Rosenthal & Henderson (2003) J. Mol.
        Biol. 333, 721), as RELION takes it.
        """
        tables = read_star(context.path(self.fsc))
        label = (
            "rlnGoldStandardFsc"
            if any("rlnGoldStandardFsc" in t for t in tables.values())
            else "rlnFourierShellCorrelation"
        )
        table = next((t for t in tables.values() if label in t), None)
        if table is None:
            raise StarError(
                f"{self.fsc} has no column rlnFourierShellCorrelation (postprocess.star) nor rlnGoldStandardFsc (model.star)."
            )
        fsc = np.zeros(sums.lattice.radius + 1)
        given = np.clip(np.asarray(table[label], float), 1e-3, 0.999)[: len(fsc)]
        fsc[: len(given)], fsc[len(given) :] = given, 1e-3
        whole = np.sqrt(2 * fsc / (1 + fsc))
        return weight_spectrum(sums.completed(point_group(self.sym)), sums.lattice) * (1 - whole) / whole


def _say_bad(inserted: Inserted, particles: Particles, context: Context) -> None:
    if not inserted.bad:
        return
    names = particles.particles["rlnImageName"]
    if len(inserted.bad) == len(names):
        raise ImageError(
            f"All {len(names)} images hold NaN or infinite pixels, the first is {names[0]}. Extract them again."
        )
    shown = ", ".join(names[row] for row in inserted.bad[:10])
    more = " …" if len(inserted.bad) > 10 else ""
    context.warn(f"{len(inserted.bad)} image(s) hold NaN or infinite pixels and are left out: {shown}{more}")
