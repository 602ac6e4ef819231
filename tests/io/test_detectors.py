"""The library of detector MTFs: its curves, whose they are, and a user's own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import NodeError, StarError
from relionlab.io import detectors as room
from relionlab.io.detectors import detector, detectors, read_mtf

FOLDER = Path(room.__file__).parent


def test_every_curve_has_an_owner_and_every_owner_a_curve():
    assert {path.stem for path in FOLDER.glob("*.star")} == set(detectors())
    for known in detectors().values():
        assert known.source.startswith("Gatan, mtf_")
        text = known.path.read_text()
        published = known.source.split(", ")[1].partition(";")[0]
        assert published in text  # the copy in a project says whose the numbers are
        assert f"data_mtf_{known.name}" in text


def test_curves_fall_from_one_as_published():
    for known in detectors().values():
        frequency, value = read_mtf(known.path)
        assert frequency[0] == 0
        assert frequency[-1] >= 0.5
        assert value[0] == pytest.approx(1, abs=1e-6)
        assert (np.diff(value) < 0).all()
    # single values, read off the published tables by eye
    assert read_mtf(detector("k3_300kV").path)[1][16] == 0.885905514
    assert read_mtf(detector("k2_200kV").path)[1][-1] == 0.535413442


def test_more_volts_and_double_sampling_blur_less():
    last = {name: read_mtf(known.path)[1][-1] for name, known in detectors().items()}
    for camera in ("k2", "k3", "k3_cds"):
        assert last[f"{camera}_300kV"] > last[f"{camera}_200kV"]
    assert last["k3_cds_300kV"] > last["k3_300kV"]


def test_names_are_found_in_any_case_and_others_are_not():
    assert detector("K2_300KV").name == "k2_300kV"
    assert detector("k2") is None


def test_ones_own_folder_goes_before(tmp_path, monkeypatch):
    text = "data_\n\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n0 1\n0.5 0.5\n"
    for name in ("falcon4i_300kV", "k2_300kV"):
        (tmp_path / f"{name}.star").write_text(text)
    monkeypatch.setenv("RELIONLAB_MTF_FOLDER", str(tmp_path))
    assert detector("falcon4i_300kv").path == tmp_path / "falcon4i_300kV.star"
    assert detector("k2_300kV").path == tmp_path / "k2_300kV.star"
    assert detector("k3_300kV").source
    monkeypatch.setenv("RELIONLAB_MTF_FOLDER", str(tmp_path / "none"))
    with pytest.raises(NodeError, match=r"mtf_folder.*is no folder"):
        detectors()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("0 1\n0.5 50\n", "an MTF is above 0"),
        ("0.5 1\n0 0.5\n", "has to rise"),
        ("0 1\n250 0.5\n", "has to rise"),
    ],
)
def test_what_is_no_curve(tmp_path, rows, words):
    (tmp_path / "bad.star").write_text(f"data_\n\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n{rows}")
    with pytest.raises(StarError, match=re.escape(words)):
        read_mtf(tmp_path / "bad.star")
