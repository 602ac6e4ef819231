"""References and masks of 3D runs: read, fitted, judged.

kind                                  error           what the message names
------------------------------------  --------------  ---------------------------------------------------
reference missing                     NodeError       file, where it was looked for, give its file
listed map missing                    NodeError       the map
list without maps                     StarError       file, label
list and --K disagree                 ParameterError  both numbers, --K
not a cube                            ImageError      sizes, how to pad
NaN                                   ImageError      file, section
constant                              ImageError      value
a 2D image                            ImageError      file
another box                           ImageError      both sizes, --trust_ref_size
another pixel size                    ImageError      both sizes, --ref_angpix
mask missing                          NodeError       file, flag
mask above 1                          ImageError      values, MaskCreate
mask empty                            ImageError      largest value
mask of ones                          ImageError      what was expected, flag
mask below 0                          ImageError      values
mask of another box or pixel size     ImageError      both sizes

Inverted contrast, a symmetry that is not there and a mask without soft edge are warnings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from relionlab.engine.maps.alterations import symmetrised
from relionlab.engine.masks import soft_sphere
from relionlab.engine.symmetry import point_group
from relionlab.errors import ImageError, InputError, NodeError, ParameterError, StarError
from relionlab.io.images import write_image, write_map
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.maps import read_maps, read_mask, symmetry_correlation
from tests.engine.volume_cases import Blobs
from tests.jobs.class2d_runs import Quiet

BOX, PIXEL = 32, 4.0


@dataclass(frozen=True)
class Options:
    """What the program knows."""

    ref: str = "ref.mrc"
    nr_classes: int = 1
    sym: str = "C1"
    particle_diameter: float | None = 100.0
    trust_ref_size: bool = False
    ref_angpix: float | None = None


def density() -> np.ndarray:
    return np.asarray(Blobs(BOX, width=1.6).map(), np.float32)


def write(volume: np.ndarray, name: str = "ref.mrc", size: float = PIXEL) -> None:
    write_map(name, np.asarray(volume, np.float32), pixel_size=size)


def listed(*names: str, label: str = "rlnReferenceImage") -> None:
    write_star("refs.star", [Table({label: list(names)}, "model_classes")])


def spoilt(value: float) -> np.ndarray:
    volume = density()
    volume[3, 4, 5] = value
    return volume


@pytest.fixture(autouse=True)
def there(here: Path) -> None:
    """A reference and a mask that are as they should be."""
    write(density())
    write(soft_sphere(BOX, 12, 3), "mask.mrc")


def read(context: Quiet | None = None, **options: object) -> np.ndarray:
    return read_maps(Options(**options), context or Quiet(Path.cwd()), box=BOX, pixel_size=PIXEL)


def masked(context: Quiet | None = None, *, resized: bool = False, name: str = "mask.mrc") -> np.ndarray:
    return read_mask(name, context or Quiet(Path.cwd()), box=BOX, pixel_size=PIXEL, resized=resized)


def test_a_good_reference_is_read_in_silence() -> None:
    context = Quiet(Path.cwd())
    np.testing.assert_array_equal(read(context)[0], density())
    np.testing.assert_allclose(masked(context), soft_sphere(BOX, 12, 3), atol=1e-6)
    assert context.warnings == context.said == []


def test_one_map_serves_all_classes_and_a_list_gives_each_its_own() -> None:
    assert read(nr_classes=3).shape == (3, BOX, BOX, BOX)
    write(2 * density(), "other.mrc")
    listed("ref.mrc", "other.mrc")
    for count in (1, 2):
        maps = read(ref="refs.star", nr_classes=count)
        np.testing.assert_allclose(maps[1], 2 * maps[0])


BAD: dict[str, tuple[Callable[[], object], dict, type[InputError], list[str]]] = {
    "missing": (lambda: Path("ref.mrc").unlink(), {}, NodeError, ["ref.mrc", "looked in", "--ref", "Give its file"]),
    "no list": (lambda: None, {"ref": "refs.star"}, NodeError, ["refs.star", "looked in", "give a map"]),
    "listed": (lambda: listed("away.mrc"), {"ref": "refs.star"}, NodeError, ["away.mrc", "expected", "Give"]),
    "no maps": (
        lambda: listed("1", label="rlnClassNumber"),
        {"ref": "refs.star"},
        StarError,
        ["refs.star", "rlnReferenceImage", "Give"],
    ),
    "K": (
        lambda: listed("ref.mrc", "ref.mrc"),
        {"ref": "refs.star", "nr_classes": 3},
        ParameterError,
        ["refs.star", "2 maps", "is 3", "expected as many", "--K 2"],
    ),
    "oblong": (lambda: write(density()[:28]), {}, ImageError, ["28 × 32 × 32", "expected a cube", "--new_box"]),
    "NaN": (lambda: write(spoilt(np.nan)), {}, ImageError, ["ref.mrc", "NaN", "section 4", "again"]),
    "constant": (lambda: write(density() * 0 + 2), {}, ImageError, ["ref.mrc", "are 2", "expected a density", "again"]),
    "image": (
        lambda: write_image("ref.mrc", density()[16], pixel_size=PIXEL),
        {},
        ImageError,
        ["ref.mrc", "2D image", "expected a map"],
    ),
    "box": (
        lambda: write(np.pad(density(), 4)),
        {},
        ImageError,
        ["ref.mrc has 40 px", "particles 32 px", "expected the same", "--trust_ref_size"],
    ),
    "pixel size": (
        lambda: write(density(), size=3.5),
        {},
        ImageError,
        ["3.5 Å", "4 Å", "expected the same", "--ref_angpix"],
    ),
    "stated pixel size": (lambda: None, {"ref_angpix": 5.0}, ImageError, ["5 Å", "4 Å"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_references_are_refused(kind: str) -> None:
    spoil, options, error, words = BAD[kind]
    spoil()
    with pytest.raises(error) as caught:
        read(**options)
    assert caught.type is error
    for word in words:
        assert word in str(caught.value), caught.value


BAD_MASKS: dict[str, tuple[Callable[[], object], type[InputError], list[str]]] = {
    "missing": (lambda: Path("mask.mrc").unlink(), NodeError, ["mask.mrc", "--solvent_mask", "looked in", "Give"]),
    "above 1": (lambda: write(density() * 7, "mask.mrc"), ImageError, ["mask.mrc", "values from", "MaskCreate"]),
    "empty": (lambda: write(density() * 0, "mask.mrc"), ImageError, ["mask.mrc is empty", "0", "MaskCreate"]),
    "ones": (lambda: write(density() * 0 + 1, "mask.mrc"), ImageError, ["1 everywhere", "expected", "leave it out"]),
    "box": (lambda: write(soft_sphere(40, 12, 3), "mask.mrc"), ImageError, ["40 px", "32 px", "--trust_ref_size"]),
    "pixel size": (lambda: write(soft_sphere(BOX, 12, 3), "mask.mrc", size=3.2), ImageError, ["3.2 Å", "4 Å", "same"]),
    "below 0": (lambda: write(soft_sphere(BOX, 12, 3) - 0.5, "mask.mrc"), ImageError, ["-0.5", "0.5", "between 0"]),
    "NaN": (lambda: write(spoilt(np.nan), "mask.mrc"), ImageError, ["mask.mrc", "NaN"]),
}


@pytest.mark.parametrize("kind", BAD_MASKS)
def test_bad_masks_are_refused(kind: str) -> None:
    spoil, error, words = BAD_MASKS[kind]
    spoil()
    with pytest.raises(error) as caught:
        masked()
    for word in words:
        assert word in str(caught.value), caught.value


def test_a_mask_without_soft_edge_is_warned_of() -> None:
    write(soft_sphere(BOX, 12, 3) > 0.5, "mask.mrc")
    context = Quiet(Path.cwd())
    masked(context)
    (said,) = context.warnings
    assert re.search(r"mask.mrc has no soft edge.*at least 5 px", said)


# --- other sizes ------------------------------------------------------------------------------------------------


def test_the_header_of_1_and_half_a_per_cent_are_no_contradiction() -> None:
    for size in (1.0, 4.01):
        write(density(), size=size)
        np.testing.assert_array_equal(read()[0], density())
    write(density(), size=3.5)
    np.testing.assert_array_equal(read(ref_angpix=4.0)[0], density())


@pytest.mark.parametrize(("box", "size"), [(32, 3.37), (40, 4.0), (28, 4.6), (24, 4.0)])
def test_references_of_other_sizes_are_brought_to_the_particles(box: int, size: float) -> None:
    """The same blobs, sampled at the other pixel size; their projections keep their grey values."""
    rng = np.random.default_rng(5)
    places, widths = rng.uniform(-12, 12, (6, 3)), rng.uniform(7, 9, 6)

    def sampled(n: int, step: float) -> np.ndarray:
        z, y, x = (np.indices((n,) * 3) - n // 2) * step
        blobs = zip(places, widths, strict=True)
        return sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / (2 * w**2)) for (a, b, c), w in blobs)

    write(sampled(box, size), size=size)
    context = Quiet(Path.cwd())
    (found,) = read(context, trust_ref_size=True)
    expected = sampled(BOX, PIXEL) * PIXEL / size
    assert np.abs(found - expected).max() < 0.01 * expected.max()
    (said,) = context.said
    assert f"ref.mrc of {box} px of {size:g} Å is brought to the particles' 32 px of 4 Å" in said


def test_masks_of_other_sizes_stay_masks() -> None:
    write(soft_sphere(40, 15, 4), "mask.mrc", size=3.2)
    found = masked(resized=True)
    assert found.shape == (BOX,) * 3
    assert 0 <= found.min() < found.max() <= 1
    np.testing.assert_allclose(found, soft_sphere(BOX, 12, 3.2), atol=0.1)


# --- what maps look like ----------------------------------------------------------------------------------------


def test_inverted_contrast_is_warned_of() -> None:
    write(-density())
    context = Quiet(Path.cwd())
    read(context)
    (said,) = context.warnings
    assert re.search(r"ref.mrc is lower inside than around.*white on black.*--multiply_constant -1", said)


@pytest.mark.parametrize("name", ["C3", "D2", "T", "I1"])
def test_a_symmetry_that_is_not_there_is_warned_of(name: str) -> None:
    group = point_group(name)
    noise = ndimage.gaussian_filter(np.random.default_rng(2).standard_normal((BOX,) * 3), 1.5)
    lopsided = (noise / noise.std() + 1) * soft_sphere(BOX, 11, 3)
    write(lopsided)
    context = Quiet(Path.cwd())
    read(context, sym=name)
    (said,) = context.warnings
    assert f"does not have the symmetry {group.name}" in said
    assert "align_symmetry" in said
    write(symmetrised(lopsided, group.operations))
    context = Quiet(Path.cwd())
    read(context, sym=name)
    assert context.warnings == []


def test_a_sphere_has_every_symmetry_and_a_turned_map_none() -> None:
    operations = point_group("D2").operations
    ball = soft_sphere(BOX, 10, 3, dtype=np.float64)
    assert symmetry_correlation(ball, operations, radius=12) > 0.9
    assert symmetry_correlation(density(), point_group("C1").operations, radius=12) == 1
