"""One simulated micrograph before anything is counted: particles, ice and lumps, as the microscope shows their contrast.

A weak phase object: the intensity is 1 - 2 × CTF ∗ phase, protein dark. The phases follow from the atoms' scattering
without a free factor (see :mod:`relionlab.simulation.ice`); each particle has the CTF of its own height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.ctf import ctf, ctf_images
from relionlab.engine.fourier import irfft2_centred, rfft2_centred, shift_phases
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler, random_euler
from relionlab.simulation.exposures import Exposures
from relionlab.simulation.ice import MEAN_FREE_PATH, Lump, add_lump, draw_lumps, ice_amplitude, phase_per_scattering
from relionlab.simulation.structures import SCATTERING_PER_GREY

_LUMP_PHASE, _LUMP_ABSORPTION = 0.8, 0.35  # rad, and share of the intensity, of a lump at its thickest
_SPACING = 1.0  # smallest distance of particles in diameters
_TRIES = 60  # for each particle that is wanted
_GIVE_UP = 2000  # failures in a row after which the micrograph counts as full
_VISIBLE = 0.05  # amplitude below which the envelope hides a frequency
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Specimen:
    """What is on a micrograph; lengths in Å, places in px of the micrograph.

    defocus      (U, V, angle) of the micrograph's middle: Å, Å, degrees
    places       (N, 2) x and y of the particles
    angles       (N, 3) rot, tilt, psi in degrees
    kinds        (N,) conformation, from 1
    heights      (N,) what to add to the mean defocus for each particle
    lumps        crystalline ice
    thickness    of the ice in the middle
    gradient     (2,) relative change of the thickness across the micrograph along x and y
    seed         of the ice's structure
    """

    defocus: tuple[float, float, float]
    places: np.ndarray
    angles: np.ndarray
    kinds: np.ndarray
    heights: np.ndarray
    lumps: tuple[Lump, ...]
    thickness: float
    gradient: np.ndarray
    seed: int


def draw_specimen(exposures: Exposures, number: int, *, conformations: int, diameter: float) -> Specimen:
    """Return the specimen of micrograph ``number`` (from 0); it depends on this number and the seed alone.

    diameter  of the particles in Å
    """
    rng = np.random.default_rng([exposures.seed, 2, number])
    mean = rng.uniform(*exposures.defocus)
    astigmatism, azimuth = rng.uniform(0, exposures.astigmatism), rng.uniform(0, 180)
    thickness = rng.uniform(*exposures.ice_thickness)
    gradient = rng.uniform(-0.5, 0.5, 2) * exposures.ice_gradient
    lumps = draw_lumps(rng, exposures.contamination, shape=exposures.shape, pixel_size=exposures.pixel_size)
    places = _places(rng, exposures, diameter / exposures.pixel_size, lumps)
    count = len(places)
    shares = np.array(exposures.fractions or (1.0,) * conformations, dtype=float)
    kinds = rng.choice(conformations, count, p=shares / shares.sum()) + 1
    angles = np.stack(random_euler(rng, count), axis=1)
    room = max(thickness - diameter, 0) / 2
    slope = np.tan(np.radians(rng.uniform(0, exposures.tilt)))
    towards = rng.uniform(0, 2 * np.pi)
    away = (places - np.array(exposures.size) / 2) * exposures.pixel_size
    heights = rng.uniform(-room, room, count) + slope * (away @ [np.cos(towards), np.sin(towards)])
    return Specimen(
        (mean + astigmatism / 2, mean - astigmatism / 2, azimuth),
        places,
        angles,
        kinds,
        heights,
        tuple(lumps),
        thickness,
        gradient,
        int(rng.integers(2**62)),
    )


def _places(rng: np.random.Generator, exposures: Exposures, diameter: float, lumps: list[Lump]) -> np.ndarray:
    """Return places (N, 2) of particles that neither overlap nor leave the image nor lie in a lump; as many as there is room."""
    wanted = round(exposures.particles * rng.uniform(0.8, 1.2))
    edge = diameter / 2
    low, high = np.full(2, edge), np.array(exposures.size) - edge
    found = np.zeros((wanted, 2))
    count = failures = 0
    for _ in range(_TRIES * wanted):
        if count == wanted or failures > _GIVE_UP:
            break
        place = rng.uniform(low, high)
        near = count and ((found[:count] - place) ** 2).sum(axis=1).min() < (_SPACING * diameter) ** 2
        buried = any(np.hypot(place[0] - lump.x, place[1] - lump.y) < lump.radius + edge for lump in lumps)
        if near or buried:
            failures += 1
        else:
            found[count], failures = place, 0
            count += 1
    return found[:count]


class Stage:
    """Makes the contrast of specimens under one microscope; holds what all micrographs share.

    maps  conformations (n, n, n), grey value 1 for SCATTERING_PER_GREY
    """

    def __init__(self, maps: list[np.ndarray], exposures: Exposures) -> None:
        self._exposures = exposures
        self._phase = phase_per_scattering(exposures.voltage_kv, exposures.optics.wavelength)
        factor = self._phase * SCATTERING_PER_GREY * exposures.pixel_size  # of a sum of grey values along the ray
        self._projectors = [Projector.of_map((map_ * np.float32(factor)).astype(np.float32)) for map_ in maps]
        self._box = self._wide_box(maps[0].shape[0])

    def _wide_box(self, n: int) -> int:
        """Return the box in px that holds a particle and what the highest defocus spreads around it."""
        conditions = self._exposures
        total = conditions.molecule_bfactor + conditions.envelope_bfactor
        visible = np.sqrt(-4 * np.log(_VISIBLE) / max(total, 1e-6))
        highest = min(0.5 / conditions.pixel_size, visible)
        defocus = conditions.defocus[1] + conditions.astigmatism
        spread = conditions.optics.wavelength * defocus * highest / conditions.pixel_size
        return 2 * scipy.fft.next_fast_len(n // 2 + int(np.ceil(spread)), real=True)

    def contrast(self, specimen: Specimen, margin: int) -> np.ndarray:
        """Return the transform (unnormalised half plane) of the relative change of intensity.

        margin  px that the canvas is larger than the micrograph on either side, at least; the transform's size tells
                the canvas: (rows, columns//2+1), see :func:`canvas`
        """
        rows, columns = canvas(self._exposures.shape, margin)
        edge = (rows - self._exposures.shape[0]) // 2, (columns - self._exposures.shape[1]) // 2
        image = self._particles(specimen, (rows, columns), edge)
        background, absorbed = self._background(specimen, (rows, columns), edge)
        frequency_y, frequency_x = _frequencies((rows, columns), self._exposures.pixel_size)
        total = scipy.fft.rfft2(background)
        total *= ctf(
            frequency_x,
            frequency_y,
            optics=self._exposures.optics,
            defocus_u=np.float32(specimen.defocus[0]),
            defocus_v=np.float32(specimen.defocus[1]),
            defocus_angle=np.float32(specimen.defocus[2]),
            bfactor=np.float32(self._exposures.envelope_bfactor),
        )
        total += scipy.fft.rfft2(image)
        total *= np.float32(-2 * self._exposures.contrast)
        if absorbed is not None:
            total -= scipy.fft.rfft2(absorbed)
        return total

    def light(self, specimen: Specimen) -> np.ndarray:
        """Return the intensity (y, x) relative to the full beam: its falloff, and what the ice takes out."""
        rows, columns = self._exposures.shape
        y, x = np.ogrid[-0.5 : 0.5 : rows * 1j, -0.5 : 0.5 : columns * 1j]
        middle = np.random.default_rng([specimen.seed, 3]).uniform(-0.15, 0.15, 2)
        beam = 1 - 2 * self._exposures.illumination * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2)
        return (beam * np.exp(-specimen.thickness * _thickness(specimen, y, x) / MEAN_FREE_PATH)).astype(np.float32)

    def _particles(self, specimen: Specimen, shape: tuple[int, int], edge: tuple[int, int]) -> np.ndarray:
        """Return all particles' phases, each with its CTF, on the canvas."""
        image = np.zeros(shape, np.float32)
        for start in range(0, len(specimen.places), _BATCH):
            chosen = slice(start, start + _BATCH)
            whole = np.floor(specimen.places[chosen]).astype(int)
            stamps = self._stamps(specimen, chosen, specimen.places[chosen] - whole)
            for stamp, (x, y) in zip(stamps, whole.tolist(), strict=True):
                _add(image, stamp, y + edge[0], x + edge[1])
        return image

    def _stamps(self, specimen: Specimen, chosen: slice, fractions: np.ndarray) -> np.ndarray:
        """Return particles with their CTF, moved by fractions of a pixel: (N, box, box)."""
        matrices = matrix_from_euler(*specimen.angles[chosen].T)
        kinds = specimen.kinds[chosen]
        n = self._projectors[0].n
        wide = np.zeros((len(kinds), self._box, self._box), np.float32)
        start = self._box // 2 - n // 2
        for kind, projector in enumerate(self._projectors, 1):
            rows = np.flatnonzero(kinds == kind)
            if len(rows):
                wide[rows, start : start + n, start : start + n] = projector.images(matrices[rows])
        spectra = rfft2_centred(wide)
        spectra *= ctf_images(
            self._box,
            optics=self._exposures.optics,
            defocus_u=specimen.defocus[0] + specimen.heights[chosen],
            defocus_v=specimen.defocus[1] + specimen.heights[chosen],
            defocus_angle=specimen.defocus[2],
            bfactor=self._exposures.envelope_bfactor,
        )
        spectra *= shift_phases(self._box, fractions.astype(np.float32))
        return irfft2_centred(spectra, self._box)

    def _background(
        self, specimen: Specimen, shape: tuple[int, int], edge: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the phases of ice and lumps on the canvas, and what lumps absorb (None without lumps)."""
        pixel_size = self._exposures.pixel_size
        rng = np.random.default_rng([specimen.seed, 4])
        spectrum = scipy.fft.rfft2(rng.standard_normal(shape, dtype=np.float32))
        spectrum *= self._ice(shape) * np.float32(np.sqrt(specimen.thickness) / pixel_size)
        image = scipy.fft.irfft2(spectrum, s=shape)
        rows, columns = self._exposures.shape
        y = ((np.arange(shape[0]) - edge[0]) / rows - 0.5)[:, None]
        x = ((np.arange(shape[1]) - edge[1]) / columns - 0.5)[None]
        image *= np.sqrt(_thickness(specimen, y, x)).astype(np.float32)
        if not specimen.lumps:
            return image, None
        lumps = np.zeros(shape, np.float32)
        for lump in specimen.lumps:
            moved = Lump(lump.x + edge[1], lump.y + edge[0], lump.radius, lump.seed)
            add_lump(lumps, moved, margin=0)
        image += np.float32(_LUMP_PHASE) * lumps
        return image, np.float32(_LUMP_ABSORPTION) * lumps

    def _ice(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the amplitude of ice of 1 Å on the canvas, from a table by radius."""
        y, x = _frequencies(shape, self._exposures.pixel_size)
        radius = np.sqrt(y * y + x * x)
        table = np.linspace(0, float(radius.max()) * 1.001, 4096)
        return (
            np.interp(radius.ravel(), table, ice_amplitude(table, 1.0, phase=self._phase))
            .reshape(radius.shape)
            .astype(np.float32)
        )


def canvas(shape: tuple[int, int], margin: int) -> tuple[int, int]:
    """Return the (even, quickly transformed) size of a canvas around an image of ``shape`` (y, x)."""
    rows, columns = (2 * scipy.fft.next_fast_len(side // 2 + margin, real=True) for side in shape)
    return rows, columns


def radial_filter(shape: tuple[int, int], pixel_size: float, values: np.ndarray) -> np.ndarray:
    """Return a half plane (rows, columns//2+1) of values given at FILTER_FREQUENCIES × the Nyquist diagonal."""
    y, x = _frequencies(shape, pixel_size)
    place = np.sqrt(y * y + x * x) * np.float32((len(values) - 1) / (np.sqrt(0.5) / pixel_size))
    below = np.minimum(place.astype(np.int32), len(values) - 2)
    share = place - below
    values = values.astype(np.float32)
    return values[below] * (1 - share) + values[below + 1] * share


def _thickness(specimen: Specimen, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the relative thickness at places from -0.5 to 0.5."""
    return np.clip(1 + specimen.gradient[0] * x + specimen.gradient[1] * y, 0.1, None)


def _frequencies(shape: tuple[int, int], pixel_size: float) -> tuple[np.ndarray, np.ndarray]:
    """Return y (rows, 1) and x (1, columns//2+1) frequencies in 1/Å, float32."""
    y = scipy.fft.fftfreq(shape[0], pixel_size).astype(np.float32)[:, None]
    return y, scipy.fft.rfftfreq(shape[1], pixel_size).astype(np.float32)[None]


def _add(image: np.ndarray, stamp: np.ndarray, y: int, x: int) -> None:
    """Add a stamp to the image, its origin n//2 at (y, x); what falls outside is lost."""
    n = stamp.shape[0]
    top, left = y - n // 2, x - n // 2
    rows = slice(max(top, 0), min(top + n, image.shape[0]))
    columns = slice(max(left, 0), min(left + n, image.shape[1]))
    image[rows, columns] += stamp[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
