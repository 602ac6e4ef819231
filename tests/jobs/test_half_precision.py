"""Particles of float16 (MRC mode 12), as RELION 4 and later write them."""

from __future__ import annotations

import re
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from relionlab.errors import ImageError
from relionlab.io.images import read_header, read_stack, write_stack
from relionlab.jobs.refinement.input import read_dataset, read_table
from relionlab.jobs.refinement.program import Refine
from tests.jobs.class2d_runs import COUNT, PIXEL_SIZE, STACK, STAR, Quiet, arguments, refine

FEW = ("--iter", "1", "--K", "2")


def read(context: Quiet):
    return read_dataset(read_table(STAR, context), Refine.from_flags(arguments()), context, root="run")


def spoil(images: slice, value: float) -> None:
    with mrcfile.open(STACK, "r+") as file:
        file.data[images, 5, 7] = value


def halved() -> None:
    write_stack(STACK, read_stack(STACK), pixel_size=PIXEL_SIZE, half_precision=True)


@pytest.mark.parametrize("preread", [(), ("--preread_images",)])
def test_classes_of_half_precision_are_those_of_the_same_numbers(tiny: Path, preread: tuple[str, ...]) -> None:
    rounded = read_stack(STACK).astype(np.float16).astype(np.float32)
    write_stack(STACK, rounded, pixel_size=PIXEL_SIZE)
    refine(tiny, arguments(*FEW, root="whole/run"))
    halved()
    assert read_header(STACK).mode == 12
    refine(tiny, arguments(*FEW, *preread, root="half/run"))
    whole, half = (read_stack(f"{folder}/run_it001_classes.mrcs") for folder in ("whole", "half"))
    np.testing.assert_array_equal(half, whole)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_does_not_fit_is_set_aside_and_explained(tiny: Path, value: float) -> None:
    halved()
    spoil(slice(4, 6), value)
    context = Quiet(tiny)
    assert len(read(context).table) == COUNT - 2
    said = next(warning for warning in context.warnings if "set aside" in warning)
    assert re.search(
        r"2 of 150.*000005@.*data/particles.mrcs is of half precision \(MRC mode 12\).*65504.*float32", said
    )


def test_stacks_of_infinities_are_refused(tiny: Path) -> None:
    halved()
    spoil(slice(None), np.inf)
    with pytest.raises(ImageError, match=r"All 150.*000001@.*expected numbers.*mode 12.*65504.*write float32"):
        read(Quiet(tiny))


def test_of_float32_nothing_is_said_about_precision(tiny: Path) -> None:
    spoil(slice(4, 6), np.inf)
    context = Quiet(tiny)
    read(context)
    assert not any("precision" in warning for warning in context.warnings)
