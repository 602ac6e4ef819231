"""The program ``project``: projections of a map, at given, listed or random poses.

As in relion_project, symmetric aberrations and an anisotropic magnification count in the CTF, and there alone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

import numpy as np

from relionlab.engine.fourier import irfft2_centred, radial_index, radius_squared, rfft2_centred, shift_phases
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import random_euler
from relionlab.errors import ImageError, NodeError, StarError
from relionlab.io.image_names import format_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import StackWriter, read_map, write_image
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.particles.ctfs import CtfTreatment, ctf_of_rows
from relionlab.jobs.particles.optics import has_ctf
from relionlab.jobs.reconstruction.poses import origins_px, rotations_of
from relionlab.jobs.reconstruction.project_options import ProjectOptions
from relionlab.params import Parameter

_AT_ONCE = 2**21  # pixels of one batch


class Project(Program, ProjectOptions):
    """Project a map: once, at the poses of a particle list, or in random directions."""

    name: ClassVar[str] = "project"
    title: ClassVar[str] = "Projections"

    i: Annotated[
        str, Parameter(label="Map", help="The map to project.", tab="I/O", flag="--i", required=True, pattern="*.mrc")
    ] = ""
    o: Annotated[
        str,
        Parameter(label="Output root", help="PROJ gives PROJ.mrcs and PROJ.star; one projection goes to this name.", tab="I/O", flag="--o"),
    ] = "proj"  # fmt: skip

    def run(self, context: Context) -> None:
        """Project, and write the images and their list."""
        self.check()
        map_, stated = read_map(context.path(self.i))
        if len(set(map_.shape)) != 1:
            raise ImageError(f"{self.i} is {map_.shape} px (z, y, x); expected a cube.")
        if self.mask:
            mask, _ = read_map(context.path(self.mask))
            if mask.shape != map_.shape:
                raise ImageError(f"{self.mask} is {mask.shape} px, the map {map_.shape}: they must agree.")
            map_ = map_ * mask
        particles = self._particles(map_.shape[-1], stated, context)
        pixel_size = self.angpix or (float(particles.pixel_sizes[0]) if self.ang else stated) or 1.0
        if self.angpix is None and not self.ang and stated is None:
            context.warn(f"{self.i} does not say its pixel size: 1 Å is written. State it with --angpix.")
        self._write(particles, Projector.of_map(map_, padding=self.pad), pixel_size, context)

    # --- which poses ----------------------------------------------------------------------------------------------

    def _particles(self, n: int, stated: float | None, context: Context) -> Particles:
        """Return the poses to project at, as a particle list."""
        if self.ang:
            path = context.path(self.ang)
            if not path.is_file():
                raise NodeError(f"{self.ang} is not there (looked in {context.directory}): give a particles STAR file.")
            particles = read_particles(path, directory=context.directory)
            if self.ctf and not has_ctf(particles):
                raise StarError(
                    f"{self.ang} has no CTF columns (rlnDefocusU …): leave out --ctf, or give another list."
                )
            if self.angpix:
                particles = replace(
                    particles,
                    optics=particles.optics.with_columns(rlnImagePixelSize=np.full(len(particles.optics), self.angpix)),
                )
        else:
            if self.ctf:
                raise StarError("--ctf needs --ang, a list with each particle's defocus.")
            particles = self._made(n, self.angpix or stated or 1.0)
        if self.sigma_offset:
            rng = np.random.default_rng(1)
            moved = rng.normal(0, self.sigma_offset, (2, len(particles))) * particles.row_pixel_sizes
            particles = particles.with_columns(rlnOriginXAngst=moved[0], rlnOriginYAngst=moved[1])
        return particles

    def _made(self, n: int, pixel_size: float) -> Particles:
        rng = np.random.default_rng(0)
        count = self.nr_uniform or 1
        angles = (
            random_euler(rng, count)
            if self.nr_uniform
            else tuple(np.array([a]) for a in (self.rot, self.tilt, self.psi))
        )
        optics = {
            "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["optics1"], "rlnVoltage": [300.0],
            "rlnSphericalAberration": [2.7], "rlnImagePixelSize": [pixel_size], "rlnImageSize": [n],
            "rlnImageDimensionality": [2],
        }  # fmt: skip
        offsets = (0.0, 0.0) if self.nr_uniform else (self.xoff, self.yoff)
        columns = {f"rlnAngle{name}": values for name, values in zip(("Rot", "Tilt", "Psi"), angles, strict=True)}
        columns |= {
            f"rlnOrigin{axis}Angst": np.full(count, v * pixel_size) for axis, v in zip("XY", offsets, strict=True)
        }
        return Particles(Table(optics, "optics"), Table(columns | {"rlnOpticsGroup": np.ones(count, int)}, "particles"))

    # --- the images -----------------------------------------------------------------------------------------------

    def _write(self, particles: Particles, projector: Projector, pixel_size: float, context: Context) -> None:
        n, count = projector.n, len(particles)
        rotations, origins = rotations_of(particles), origins_px(particles)
        noise = self._noise(n, context)
        reader = ImageReader(particles.particles["rlnImageName"], context.directory) if self.subtract_exp else None
        if reader is not None and reader.shape != (n, n):
            raise ImageError(f"The images of {self.ang} are {reader.shape} px, the map {n}: they must agree.")
        single = not self.ang and not self.nr_uniform
        root = self.o.removesuffix(".star").removesuffix(".mrcs")
        target = (self.o if self.o.endswith((".mrc", ".mrcs")) else f"{self.o}.mrc") if single else f"{root}.mrcs"
        context.path(target).parent.mkdir(parents=True, exist_ok=True)
        step = max(1, _AT_ONCE // n**2)

        def images(rows: np.ndarray) -> np.ndarray:
            slices = projector.slices(rotations[rows])
            slices *= shift_phases(n, -origins[rows].astype(np.float32))
            slices = self._shaped(slices, particles, rows)
            made = irfft2_centred(slices, n)
            if reader is not None:
                made = reader.read(rows) - made
            if noise is not None:
                rng = np.random.default_rng([2, int(rows[0])])
                grain = rfft2_centred(rng.normal(size=made.shape).astype(np.float32)) * noise
                made = made + irfft2_centred(grain, n)
            return np.asarray(made, np.float32)

        if single:
            write_image(context.path(target), images(np.arange(1))[0], pixel_size=pixel_size)
            context.say(f" Done writing {target}")
            return
        with StackWriter(context.path(target), count, n, pixel_size) as stack:
            for start in range(0, count, step):
                context.stop_if_asked()
                rows = np.arange(start, min(start + step, count))
                stack.append(images(rows))
                context.progress(start + len(rows), count, "projections")
        names = [format_image_name(index, PurePosixPath(target)) for index in range(count)]
        write_particles(context.path(f"{root}.star"), particles.with_columns(rlnImageName=names))
        context.say(f" Done writing {count} images in {root}.star")

    def _shaped(self, slices: np.ndarray, particles: Particles, rows: np.ndarray) -> np.ndarray:
        """Return the slices with their CTF, and without what is finer than the maximum resolution."""
        n = slices.shape[1]
        if self.ctf or self.ctf2:
            treatment = CtfTreatment(
                phase_flipped=self.ctf_phase_flip, intact_first_peak=self.ctf_intact_first_peak, aberrations=True
            )
            ctf = ctf_of_rows(particles, rows, n, treatment=treatment)
            slices = slices * (ctf**2 if self.ctf2 else ctf)
        if self.maxres is not None:
            sizes = particles.row_pixel_sizes[rows][:, None, None]
            slices = slices * (radius_squared(n) <= np.ceil(n * sizes / self.maxres) ** 2)
        return slices

    def _noise(self, n: int, context: Context) -> np.ndarray | None:
        """Return by what the transform of white noise of deviation 1 is multiplied; None: no noise."""
        if not self.add_noise:
            return None
        if self.white_noise:
            return np.full((n, n // 2 + 1), self.white_noise, np.float32)
        tables = read_star(context.path(self.model_noise))
        spectra = [table["rlnSigma2Noise"] for table in tables.values() if "rlnSigma2Noise" in table]
        if not spectra:
            raise StarError(f"{self.model_noise} has no table with rlnSigma2Noise; expected a run_itNNN_model.star.")
        spectrum = np.mean([s[: n // 2 + 1] for s in spectra], axis=0)
        # sigma² is the power of one component of the forward normalised transform; white noise of 1 has 1 / (2 n²)
        power = np.append(spectrum, 0.0)[np.minimum(radial_index(n), len(spectrum))]
        return np.sqrt(2 * n**2 * power).astype(np.float32)
