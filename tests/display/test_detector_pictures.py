"""The curves of detectors, drawn and listed."""

from __future__ import annotations

import pytest

from relionlab import display
from relionlab.cli import main
from relionlab.errors import NodeError


def test_all_curves_of_the_library_are_drawn(tmp_path):
    picture = display.detector_mtfs()
    labels = [curve.label for curve in picture.description]
    assert {"k2_300kV", "k3_cds_200kV"} <= set(labels)
    assert "Nyquist: 0.5" in picture.description.get(0).kdims[0].label
    for suffix in (".html", ".pdf"):
        assert picture.save(tmp_path / f"curves{suffix}").stat().st_size > 1000


def test_some_beside_a_file(tmp_path):
    mine = tmp_path / "mine.star"
    mine.write_text("data_\n\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n0 1\n0.5 0.5\n")
    picture = display.detector_mtfs("K3_300kV", mine)
    assert [curve.label for curve in picture.description] == ["k3_300kV", str(mine)]
    assert picture.description.get(1).dimension_values("mtf").tolist() == [1, 0.5]
    with pytest.raises(NodeError, match="falcon9 is neither a file nor a detector of the library: k2_200kV"):
        display.detector_mtfs("falcon9")


def test_the_command_lists_them_with_their_sources(tmp_path, capsys):
    assert main(["detectors"]) == 0
    told = capsys.readouterr().out
    assert "k3_cds_300kV" in told
    assert "Gatan, mtf_k3_CDS_300kV_FL1.star" in told
    assert main(["detectors", "--o", str(tmp_path / "curves.png")]) == 0
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert main(["detectors", "k3"]) == 1
