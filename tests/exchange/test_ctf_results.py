"""Results of CTFFIND 4 and Gctf."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import InputError
from relionlab.exchange.ctffind4 import Estimate, read_avrot, read_ctffind4, write_ctffind4
from relionlab.exchange.gctf import read_gctf

TABLE = """# Output from CTFFind version 4.1.13, run on 2019-07-24 13:43:52
# Input file: MotionCorr/job002/mic1.mrc ; Number of micrographs: 1
# Pixel size: 1.400 Angstroms ; acceleration voltage: 200.0 keV ; spherical aberration: 1.40 mm ; amplitude contrast: 0.10
# Box size: 512 pixels ; min. res.: 30.0 Angstroms ; max. res.: 5.0 Angstroms ; min. def.: 5000.0 um; max. def. 50000.0 um
# Columns: #1 - micrograph number; #2 - defocus 1 [Angstroms]; #3 - defocus 2; #4 - azimuth of astigmatism; …
1.000000 10863.857422 10575.721680 77.967194 1.570796 0.131144 4.809192
"""
LOG = """Estimated defocus values        : 10293.09 , 10862.22 Angstroms
Estimated azimuth of astigmatism: -40.00 degrees
Score                           : 0.12345
Thon rings with good fit up to  : 4.1 Angstroms
"""
GCTF = """ LAST CYCLE
   Defocus_U   Defocus_V       Angle         CCC
    20136.82    19769.39       52.81      0.116281  Final Values

Resolution limit estimated by EPA: 3.573
"""


def test_a_table_of_ctffind(tmp_path):
    place = tmp_path / "mic1.txt"
    place.write_text(TABLE)
    (found,) = read_ctffind4(place)
    assert (found.defocus_u, found.defocus_v, found.defocus_angle) == (
        10863.857422,
        10575.721680,
        pytest.approx(77.967194),
    )
    assert found.phase_shift == pytest.approx(90, abs=1e-4)
    assert (found.figure_of_merit, found.max_resolution) == (0.131144, 4.809192)
    assert found.micrograph == "MotionCorr/job002/mic1.mrc"
    assert dict(found.settings)["box"] == 512
    assert dict(found.settings)["highest"] == 50000


def test_a_log_of_ctffind_with_the_smaller_defocus_first(tmp_path):
    place = tmp_path / "mic1_ctffind4.log"
    place.write_text(LOG)
    (found,) = read_ctffind4(place)
    assert (found.defocus_u, found.defocus_v) == (10862.22, 10293.09)
    assert found.defocus_angle == pytest.approx(50)
    assert (found.phase_shift, found.max_resolution) == (0, 4.1)


def test_what_is_written_is_read_back(tmp_path):
    names = (
        "pixel_size",
        "voltage_kv",
        "spherical_aberration_mm",
        "amplitude_contrast",
        "box",
        "coarsest",
        "finest",
        "lowest",
    )
    settings = {**dict.fromkeys(names, 2.0), "highest": 5e4, "astigmatism": 100.0, "window": -1.0}
    estimate = Estimate(12000.5, 11000.25, -12.5, 30.0, 0.2, 3.9, tuple(settings.items()), "Movies/mic1.mrc")
    profiles = np.arange(60.0).reshape(6, 10)
    write_ctffind4(tmp_path / "mic1", estimate, profiles, shown="CtfFind/job003/mic1", program="relionlab")
    (found,) = read_ctffind4(tmp_path / "mic1.txt")
    assert found.phase_shift == pytest.approx(30, abs=1e-4)
    assert (found.defocus_u, found.micrograph) == (12000.5, "Movies/mic1.mrc")
    assert dict(found.settings) == pytest.approx(settings)
    assert np.array_equal(read_avrot(tmp_path / "mic1_avrot.txt"), profiles)
    assert read_ctffind4(tmp_path / "mic1_ctffind4.log")[0].defocus_v == 11000.25
    assert (
        "Summary of results                                : CtfFind/job003/mic1.txt"
        in (tmp_path / "mic1_ctffind4.log").read_text()
    )


def test_a_log_of_gctf(tmp_path):
    place = tmp_path / "mic1_gctf.log"
    place.write_text(GCTF)
    (found,) = read_gctf(place)
    assert (found.defocus_u, found.defocus_v, found.defocus_angle) == (20136.82, 19769.39, pytest.approx(52.81))
    assert (found.figure_of_merit, found.max_resolution) == (0.116281, 3.573)
    phase = GCTF.replace("Angle         CCC", "Angle  Phase_shift CCC").replace("52.81 ", "52.81 61.5 ")
    place.write_text(phase)
    assert read_gctf(place)[0].phase_shift == 61.5


def test_a_star_file_of_gctf(tmp_path):
    place = tmp_path / "micrographs_all_gctf.star"
    labels = (
        "rlnMicrographName",
        "rlnDefocusU",
        "rlnDefocusV",
        "rlnDefocusAngle",
        "rlnFinalResolution",
        "rlnCtfFigureOfMerit",
    )
    head = "".join(f"_{name} #{number}\n" for number, name in enumerate(labels, 1))
    place.write_text(f"data_\n\nloop_\n{head}a.mrc 20000 19000 10 3.5 0.2\nb.mrc 15000 14000 -10 4.5 0.1\n")
    found = read_gctf(place)
    assert [one.micrograph for one in found] == ["a.mrc", "b.mrc"]
    assert found[1].max_resolution == 4.5


@pytest.mark.parametrize("text", ["", "# only a head\n", "1.0 2.0 three 4 5 6 7\n", "1 2 3\n", "1 nan 3 4 0 6 7\n"])
def test_broken_tables_are_named(tmp_path, text):
    place = tmp_path / "mic1.txt"
    place.write_text(text)
    with pytest.raises(InputError, match=r"mic1\.txt"):
        read_ctffind4(place)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.txt cannot be read"):
        read_ctffind4(tmp_path / "absent.txt")
    with pytest.raises(InputError, match=r"absent\.log cannot be read"):
        read_gctf(tmp_path / "absent.log")
    broken = tmp_path / "broken_gctf.log"
    broken.write_text("Defocus_U Defocus_V\n 1 2 3 Final Values\n")
    with pytest.raises(InputError, match="Final Values"):
        read_gctf(broken)
    (tmp_path / "x_avrot.txt").write_text("1 2 3\n4 5\n")
    with pytest.raises(InputError, match="2 rows"):
        read_avrot(tmp_path / "x_avrot.txt")
