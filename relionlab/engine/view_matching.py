"""Projections of a map against class averages: how alike they are at best, however they are turned and moved.

The test of an initial model: each view of a right map has a class average that looks like it. A map and its mirror image
have the same projections, so this test does not tell the hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.fourier import crop_rfft2, irfft2_centred, rfft2_centred, shift
from relionlab.engine.maps.filters import high_pass, low_pass, radial
from relionlab.engine.masks import radius_grid, soft_circle
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.sampling import sampling
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError

_PER_RESOLUTION = 3  # pixels of the compared images in the distance that is resolved
_FINER = 2  # times the pixels, in which shifts are counted
_COARSEST = 0.5  # of the diameter: that a particle is compact makes no two images alike
_FARTHEST = 0.1  # of the diameter: class averages are centred


@dataclass(frozen=True, eq=False)
class ViewMatches:
    """How alike each projection of a map is to each class average.

    rot, tilt     (N,) degrees of the projections
    scores        (N, K) best normalised correlations, -1 to 1, each image within a circle about its centre
    psi           (N, K) degrees: the third angle of the projection that gives it
    shifts        (N, K, 2) x and y in Å by which that projection is moved
    projections   (N, m, m) turned and moved onto their best class averages, low-passed
    averages      (K, m, m) the class averages, low-passed alike
    pixel_size    Å of both
    """

    rot: np.ndarray
    tilt: np.ndarray
    scores: np.ndarray
    psi: np.ndarray
    shifts: np.ndarray
    projections: np.ndarray
    averages: np.ndarray
    pixel_size: float

    @property
    def best(self) -> np.ndarray:
        """(N,) index of the class average that each projection is most like."""
        return self.scores.argmax(axis=1)

    @property
    def best_scores(self) -> np.ndarray:
        """(N,) score of each projection's best class average."""
        return self.scores.max(axis=1)

    @property
    def class_scores(self) -> np.ndarray:
        """(K,) score of the projection that each class average is most like."""
        return self.scores.max(axis=0)


@dataclass(frozen=True, eq=False)
class ModelTest:
    """How a map's projections compare with class averages.

    matches      of the map as it is
    symmetric    of the map after its symmetry was imposed; ``None`` if none was asked for
    symmetry     name of that point group
    numbers      (K,) class numbers of the class averages
    diameter, resolution  Å, of the circle and of the low-pass filter
    """

    matches: ViewMatches
    numbers: np.ndarray
    diameter: float
    resolution: float
    symmetric: ViewMatches | None = None
    symmetry: str = "C1"

    def summary(self) -> str:
        """Return the result in one or two sentences."""
        said = (
            f"Median score {np.median(self.matches.best_scores):.2f} over {len(self.matches.rot)} views, and"
            f" {np.median(self.matches.class_scores):.2f} over {len(self.numbers)} class averages"
        )
        if self.symmetric is None:
            return f"{said}."
        change = float(np.median(self.symmetric.class_scores) - np.median(self.matches.class_scores))
        error = self._standard_error()
        holds = (
            "keeps the likeness, so the symmetry may be imposed"
            if change > -2 * error
            else "spoils it: the map does not have it, or about other axes"
        )
        return f"{said}; {self.symmetry} changes the latter by {change:+.2f} and {holds}."

    def _standard_error(self) -> float:
        """Return the standard error of the classes' mean difference between the two maps, 0.01 at least."""
        if self.symmetric is None:
            return 0.0
        difference = self.symmetric.class_scores - self.matches.class_scores
        return max(0.01, float(difference.std() / np.sqrt(max(len(difference), 1))))


def even_views(count: int, *, symmetry: str = "C1") -> tuple[np.ndarray, np.ndarray]:
    """Return rot and tilt (count,) in degrees of views spread evenly over a group's asymmetric unit.

    They are taken from the HEALPix grid with at least eight times as many points, each as far as can be from those before
    it, equivalents included, and not so near to a symmetry axis that it would be its own neighbour.
    """
    order, grid = 0, sampling(0, group="C1")
    for order in range(2, 7):
        grid = sampling(order, group=symmetry)
        if len(grid) >= 8 * count:
            break
    operations = point_group(symmetry).rotations
    apart = np.sqrt(4 * np.pi / (count * len(operations)))  # radians, of as many points on a square grid
    own = np.max([(grid.vectors * (grid.vectors @ turn)).sum(axis=1) for turn in operations[1:]] or [-1.0], axis=0)
    numbers = np.flatnonzero(np.broadcast_to(own < np.cos(0.6 * apart), len(grid)))  # not beside an axis
    vectors, chosen = grid.vectors[numbers], [0]
    nearest = np.full(len(vectors), -2.0)  # largest cosine to a chosen view
    for _ in range(min(count, len(vectors)) - 1):
        equivalents = vectors[chosen[-1]] @ operations  # (m, 3)
        nearest = np.maximum(nearest, (vectors @ equivalents.T).max(axis=1))
        chosen.append(int(nearest.argmin()))
    return grid.rot[numbers[chosen]], grid.tilt[numbers[chosen]]


def match_views(
    map_: np.ndarray,
    averages: np.ndarray,
    views: tuple[np.ndarray, np.ndarray],
    *,
    pixel_size: float,
    diameter: float,
    resolution: float = 20.0,
    psi_step: float = 5.0,
) -> ViewMatches:
    """Compare projections of a map with class averages, turned in their plane and moved by up to a tenth of the diameter.

    map_        (n, n, n)
    averages    (K, n, n), of the map's pixel size; protein bright, as the map
    views       rot and tilt (N,) in degrees
    pixel_size  Å
    diameter    Å of the circle within which images are compared
    resolution  Å to which both are low-passed: class averages and maps differ in how they weigh fine detail
    psi_step    degrees between the turns that are tried

    Raises ImageError if map and class averages have different boxes.
    """
    n = map_.shape[-1]
    if averages.shape[-1] != n:
        raise ImageError(
            f"The class averages have a box of {averages.shape[-1]} px, the map one of {n} px: rescale one of them, so that"
            " both have the same box and pixels."
        )
    rot, tilt = (np.asarray(angles, np.float64) for angles in views)
    small = min(n, 2 * int(np.ceil(n * pixel_size * _PER_RESOLUTION / resolution / 2)))
    size = pixel_size * n / small
    smooth = radial((small, small), low_pass(max(resolution, 2.2 * size), side=small, pixel_size=size))
    smooth = smooth * radial((small, small), high_pass(_COARSEST * diameter, side=small, pixel_size=size))
    circle = soft_circle(small, min(diameter / size / 2, small / 2 - 2), 2.0)

    def prepared(spectra: np.ndarray) -> np.ndarray:
        return _plain(irfft2_centred(crop_rfft2(spectra, small) * smooth, small), circle)

    compared = prepared(rfft2_centred(averages.astype(np.float32)))
    against = np.conj(rfft2_centred(compared))
    projector = Projector.of_map(np.ascontiguousarray(map_, np.float32))
    turns = np.arange(0, 360, psi_step)
    farthest = max(1.0, _FARTHEST * diameter / size)
    scores, psi = np.zeros((2, len(rot), len(averages)))
    moves = np.zeros((len(rot), len(averages), 2))
    fitted = np.zeros((len(rot), small, small), np.float32)
    for i in range(len(rot)):
        turned = prepared(projector.slices(matrix_from_euler(rot[i], tilt[i], turns)))
        spectra = rfft2_centred(turned)
        for k, average in enumerate(against):
            scores[i, k], which, moves[i, k] = _best(spectra * average, farthest)
            psi[i, k] = turns[which]
        best = int(scores[i].argmax())
        at = int(np.flatnonzero(turns == psi[i, best])[0])
        fitted[i] = shift(turned[at], moves[i, best])
    return ViewMatches(rot, tilt, scores, psi, moves * size, fitted, compared, size)


def _plain(images: np.ndarray, circle: np.ndarray) -> np.ndarray:
    """Return images (…, n, n) with mean 0 and length 1 within the circle, and zero outside."""
    mean = (images * circle).sum(axis=(-2, -1), keepdims=True) / circle.sum()
    inside = (images - mean) * circle
    length = np.sqrt((inside**2).sum(axis=(-2, -1), keepdims=True))
    return inside / np.where(length > 0, length, 1)


def _best(products: np.ndarray, farthest: float) -> tuple[float, int, np.ndarray]:
    """Return the highest correlation of turned projections with an image, the number of that turn, and x and y in px by which
    the projection has to be moved.

    products  (T, n, n//2+1) transforms of the projections times the conjugate one of the image
    """
    n = products.shape[-2]
    finer = _FINER * n
    padded = crop_rfft2(products, finer)
    maps = (
        irfft2_centred(padded, finer) * n**2
    )  # where a value at (x, y) is the correlation if the image is moved there
    y, x = np.nonzero(radius_grid(finer, 2) <= _FINER * farthest)
    values = maps[:, y, x]
    turn, place = divmod(int(values.argmax()), len(x))
    move = -(np.array([x[place], y[place]]) - finer // 2) / _FINER
    return float(values[turn, place]), turn, move
