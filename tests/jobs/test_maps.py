"""mask_create, postprocess, local resolution and image_handler: their files, and what they say of bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.display import pictures, show, write_logfile
from relionlab.engine.maps import filters, guinier, masks
from relionlab.errors import InputError, ParameterError
from relionlab.io.images import read_header, read_map, read_stack, write_image, write_map, write_stack
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.maps.image_handler import ImageHandler
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.mask_program import CreateMask
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.maps.postprocess_program import Postprocess
from relionlab.jobs.maps.postprocessing import doubts_of_sharpening
from relionlab.jobs.maps.verdict import doubts_of_fit
from tests.jobs.listening import Listening

BOX, SIZE = 48, 3.0
HALF = "Refine3D/job001/run_half1_class001_unfil.mrc"


@pytest.fixture
def halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Half-maps of a ball with structure, and a mask about it."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    ball = masks.spherical_shell(BOX, 0, 12, width_px=3)
    falls = filters.radial((BOX,) * 3, filters.temperature(150, pixel_size=SIZE))
    truth = ball * filters.filtered(rng.normal(size=(BOX,) * 3).astype(np.float32), falls)
    for half in (1, 2):
        noisy = truth + 0.02 * rng.normal(size=truth.shape).astype(np.float32)
        write_map(tmp_path / HALF.replace("half1", f"half{half}"), noisy, pixel_size=SIZE)
    write_map(tmp_path / "mask.mrc", masks.spherical_shell(BOX, 0, 15, width_px=5), pixel_size=SIZE)
    return tmp_path


def run(program: type, folder: Path, *flags: str) -> Listening:
    context = Listening(folder)
    program.from_flags(list(flags)).run(context)
    return context


def post(folder: Path, *flags: str, mask: bool = True) -> Listening:
    chosen = ["--mask", "mask.mrc"] if mask else []
    return run(Postprocess, folder, "--i", HALF, "--o", "PostProcess/job002/postprocess", *chosen, *flags)


def test_postprocess_writes_relions_tables_and_says_a_verdict(halves):
    told = post(halves, "--auto_bfac", "--autob_lowres", "15", "--half_maps", "--molweight", "60", "--ampl_corr")
    folder = halves / "PostProcess/job002"
    tables = read_star(folder / "postprocess.star")
    assert list(tables) == ["general", "fsc", "guinier"]
    assert tables["fsc"].labels[3:9] == (
        "rlnFourierShellCorrelationCorrected",
        "rlnFourierShellCorrelationParticleMaskFraction",
        "rlnFourierShellCorrelationParticleMolWeight",
        "rlnFourierShellCorrelationUnmaskedMaps",
        "rlnFourierShellCorrelationMaskedMaps",
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
    )
    assert tables["general"].value("rlnBfactorUsedForSharpening") < 0
    assert "The resolution is" in told.said[-1]
    names = {path.name for path in folder.iterdir()}
    assert {"postprocess.mrc", "postprocess_masked.mrc", "postprocess_half1.mrc", "postprocess_fsc.xml"} <= names
    drawn = pictures(folder)
    assert [one.title for one in drawn][:3] == ["Fourier shell correlation", "Guinier plot", "Sharpened map"]
    assert write_logfile(folder).name == "logfile.pdf"
    assert "0.5" in show(folder).caption


def test_second_half_calibration_and_no_mask(halves):
    other = HALF.replace("half1", "half2")
    post(halves, "--angpix", "2.9", mask=False)
    first = read_map(halves / "PostProcess/job002/postprocess.mrc")
    assert first[1] == pytest.approx(2.9)
    run(Postprocess, halves, "--i", other, "--o", "b", "--angpix", "2.9")
    np.testing.assert_allclose(read_map(halves / "b.mrc")[0], first[0], atol=1e-6)
    assert "rlnFourierShellCorrelationUnmaskedMaps" in read_star(halves / "b.star")["fsc"]


def test_doubtful_b_factors_are_told(halves):
    told = post(halves, "--auto_bfac", "--autob_lowres", "6.5")
    assert any("doubtful" in line or "no signal beyond" in line for line in told.warned)


def test_a_slope_is_believed_if_the_line_is_long_and_certain():
    long = guinier.Line(-100.0, 0.0, 0.9, 40)
    assert long.standard_error == pytest.approx(400 * np.sqrt((1 / 0.9 - 1) / 38))
    # as long, in squared frequency, as what it stands for: 2/10² at 7.07 Å
    assert guinier.finest_needed(10) ** -2 == pytest.approx(2 * 10**-2)
    assert doubts_of_fit(long, lowest=10, resolution=7.0) == ""
    assert "short (it should go beyond 7.07 Å)" in doubts_of_fit(long, lowest=10, resolution=7.1)
    assert doubts_of_fit(long, lowest=12, resolution=7.1) == ""
    few = guinier.Line(-100.0, 0.0, 0.9, 3)
    assert "3 shells leave it uncertain by ±133 Å²" in doubts_of_fit(few, lowest=10, resolution=5)
    scattered = guinier.Line(-100.0, 0.0, 0.2, 40)
    assert "uncertain by" in doubts_of_fit(scattered, lowest=10, resolution=5)
    assert "rise instead of falling" in doubts_of_fit(guinier.Line(9.0, 0, 0.9, 40), lowest=10, resolution=5)
    assert "uncertain by ±inf" in doubts_of_fit(guinier.Line(-9.0, 0, 1.0, 2), lowest=10, resolution=5)


@pytest.mark.parametrize("lowest", ["15", "6.5"])
def test_whether_sharpening_is_doubtful_is_known_before(halves, capfd, lowest):
    told = post(halves, "--auto_bfac", "--autob_lowres", lowest)
    capfd.readouterr()
    options = Postprocess(fn_in=HALF, fn_mask="mask.mrc", do_auto_bfac=True, autob_lowres=float(lowest))
    doubts = doubts_of_sharpening(options, halves)
    assert capfd.readouterr() == ("", "")
    assert [line for line in told.warned if "B-factor" in line] == ([f"warning: {doubts}"] if doubts else [])
    assert bool(doubts) == (lowest == "6.5")


def test_mtf_is_taken_away_at_the_detectors_pixels(halves):
    mtf = Table({"rlnResolutionInversePixel": [0.0, 0.5], "rlnMtfValue": [1.0, 0.4]}, name="mtf")
    write_star(halves / "mtf.star", [mtf])
    post(halves, "--mtf", "mtf.star", "--mtf_angpix", "1.5")
    plot = read_star(halves / "PostProcess/job002/postprocess.star")["guinier"]
    gain = np.array(plot["rlnLogAmplitudesMTFCorrected"]) - np.array(plot["rlnLogAmplitudesOriginal"])
    assert np.exp(-gain[-2]) == pytest.approx(1 - 0.6 * 23 / 48, abs=0.005)
    assert gain[-1] < gain[-2]  # half of the last shell lies beyond Nyquist, where nothing is taken away
    write_star(halves / "bad.star", [Table({"rlnMtfValue": [1.0]}, name="mtf")])
    with pytest.raises(InputError, match="rlnResolutionInversePixel"):
        post(halves, "--mtf", "bad.star")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: write_map(f / "mask.mrc", np.ones((40,) * 3), pixel_size=SIZE), "40 px along a side"),
        (lambda f: write_map(f / "mask.mrc", np.full((BOX,) * 3, 2.0), pixel_size=SIZE), "between 0 .* and 1"),
        (lambda f: write_map(f / "mask.mrc", np.ones((BOX,) * 3), pixel_size=1.5), "pixels of 1.5 Å"),
        (lambda f: write_map(f / "mask.mrc", np.zeros((BOX,) * 3), pixel_size=SIZE), "is empty"),
        (lambda f: (f / HALF.replace("half1", "half2")).unlink(), "has no partner"),
        (lambda f: write_map(f / HALF, read_map(f / HALF.replace("half1", "half2"))[0], pixel_size=SIZE), "same map"),
        (lambda f: write_map(f / HALF, np.ones((BOX, BOX, 40)), pixel_size=SIZE), "expected a cube"),
        (lambda f: write_map(f / HALF, np.full((BOX,) * 3, np.nan), pixel_size=SIZE), "NaN"),
    ],
)
def test_bad_maps_and_masks_are_named(halves, spoil, words):
    spoil(halves)
    with pytest.raises(InputError, match=words):
        post(halves)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--auto_mask",), "removed"),
        (("--auto_bfac", "--adhoc_bfac", "-50"), "exclude each other"),
        (("--randomize_at_A", "1"), "--randomize_at_A"),
        (("--locres", "--locres_randomize_at", "900"), "--locres_randomize_at"),
        (("--locres", "--locres_sampling", "500"), "--locres_sampling"),
    ],
)
def test_contradictions_are_named(halves, flags, words):
    with pytest.raises(ParameterError, match=words):
        post(halves, *flags)


def test_local_resolution_and_its_pictures(halves):
    (halves / "LocalRes/job003").mkdir(parents=True)
    flags = LocalRes(fn_in=HALF, fn_mask="mask.mrc", angpix=SIZE).commands("LocalRes/job003/")[0].arguments
    told = run(Postprocess, halves, *flags)
    folder = halves / "LocalRes/job003"
    volume, size = read_map(folder / "relion_locres.mrc")
    assert size == pytest.approx(SIZE)
    mask = read_map(halves / "mask.mrc")[0] > 0.5
    assert 6 <= np.median(volume[mask]) < 15
    assert any("Will need about" in line for line in told.said)
    assert "Within the mask" in told.said[-1]
    assert next(iter(read_star(folder / "relion_locres_fscs.star"))).startswith("fsc_")
    assert read_map(folder / "relion_locres_filtered.mrc")[0].std() > 0
    assert write_logfile(folder).name == "histogram.pdf"
    assert "within the mask" in pictures(folder)[0].caption
    assert show(folder).title == "Local resolution in the map"
    assert {n.path for n in LocalRes(fn_in=HALF).outputs("L/")} >= {"L/histogram.pdf", "L/relion_locres.mrc"}
    assert "ResMap is not called" in LocalRes(fn_in=HALF, do_resmap_locres=True).problems()[-1]


def test_masks_of_forms_and_flags(halves):
    job = MaskCreate(fn_in=HALF, inimask_threshold=0.01, do_helix=True, helical_z_percentage=40)
    flags = job.commands("MaskCreate/job004/")[0].arguments
    assert flags[flags.index("--z_percentage") + 1] == "0.4"
    run(CreateMask, halves, *flags)
    folder = halves / "MaskCreate/job004"
    mask = read_map(folder / "mask.mrc")[0]
    assert (mask.min(), mask.max()) == (0, 1)
    assert mask[:12].max() == 0
    assert [one.title for one in pictures(folder)] == ["Mask"]
    run(CreateMask, halves, "--denovo", "--box_size", "20", "--outer_radius", "5", "--invert", "--o", "ball.mrc")
    assert read_map(halves / "ball.mrc")[0][10, 10, 10] == 0
    with pytest.raises(ParameterError, match=r"Nothing in .* reaches the threshold"):
        run(CreateMask, halves, "--i", HALF, "--ini_threshold", "1e6")
    with pytest.raises(ParameterError, match="--denovo"):
        run(CreateMask, halves, "--o", "x.mrc")
    told = run(CreateMask, halves, "--i", HALF, "--ini_threshold", "-100")
    assert "fills 100 %" in told.warned[0]


def test_postprocess_form_gives_relions_flags():
    job = PostProcess(fn_in=HALF, fn_mask="mask.mrc", do_auto_bfac=False, do_adhoc_bfac=True, adhoc_bfac=-120)
    (command,) = job.commands("P/")
    assert command.arguments == ("--o", "P/postprocess", "--i", HALF, "--mask", "mask.mrc", "--adhoc_bfac", "-120")
    assert "fn_mask" in PostProcess(fn_in=HALF).problems()[0]


def handled(folder: Path, *flags: str, i: str = "a.mrc", o: str = "b.mrc") -> tuple[np.ndarray, Listening]:
    told = run(ImageHandler, folder, "--i", i, "--o", o, *flags)
    found = read_stack(folder / o)
    return found[0] if len(found) == 1 else found, told


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """a.mrc, a stack of five (s.mrcs), and lists of either."""
    monkeypatch.chdir(tmp_path)
    stack = np.random.default_rng(0).normal(size=(5, 32, 32)).astype(np.float32)
    write_image(tmp_path / "a.mrc", stack[0], pixel_size=2.0)
    write_stack(tmp_path / "s.mrcs", stack, pixel_size=2.0)
    optics = Table(
        {
            "rlnOpticsGroup": [1], "rlnOpticsGroupName": ["o"], "rlnVoltage": [300.0], "rlnSphericalAberration": [2.7],
            "rlnAmplitudeContrast": [0.1], "rlnImagePixelSize": [2.0], "rlnImageSize": [32], "rlnImageDimensionality": [2],
        },
        name="optics",
    )  # fmt: skip
    names = [f"{i + 1:06d}@s.mrcs" for i in (4, 1)]
    write_star(
        tmp_path / "p.star", [optics, Table({"rlnImageName": names, "rlnOpticsGroup": [1, 1]}, name="particles")]
    )
    return stack


def test_arithmetic_mirrors_and_sizes(images, tmp_path):
    a = images[0]
    for flags, expected in (
        (("--multiply_constant", "2"), 2 * a),
        (("--subtract_constant", "1"), a - 1),
        (("--threshold_above", "0.5"), np.minimum(a, 0.5)),
        (("--add", "a.mrc"), 2 * a),
        (("--divide", "a.mrc"), np.ones_like(a)),
        (("--flipX",), a[:, ::-1]),
        (("--flipXY",), a.T),
        (("--flipmXY",), a.T[::-1, ::-1]),
        (("--shift_x", "3"), np.pad(a, ((0, 0), (3, 0)))[:, :32]),
        (("--new_box", "20"), a[6:26, 6:26]),
        (("--subtract", "a.mrc", "--optimise_scale_subtract"), np.zeros_like(a)),
    ):
        np.testing.assert_allclose(handled(tmp_path, *flags)[0], expected, atol=1e-5, err_msg=str(flags))
    handled(tmp_path, "--rescale_angpix", "3.1")
    header = read_header(tmp_path / "b.mrc")
    assert (header.shape, header.pixel_size) == ((20, 20), pytest.approx(3.2))
    handled(tmp_path, "--force_header_angpix", "5")
    assert read_header(tmp_path / "b.mrc").pixel_size == 5


def test_stacks_lists_and_averages(images, tmp_path):
    found, _ = handled(tmp_path, "--multiply_constant", "3", i="s.mrcs", o="t.mrcs")
    np.testing.assert_allclose(found, 3 * images)
    assert handled(tmp_path, "--average", i="s.mrcs")[0] == pytest.approx(images.mean(axis=0), abs=1e-6)
    assert handled(tmp_path, "--avg_bin", "2", i="s.mrcs", o="t.mrcs")[0][1] == pytest.approx(
        images[2:4].sum(0), abs=1e-5
    )
    run(ImageHandler, tmp_path, "--i", "p.star", "--o", "new", "--add_constant", "1")
    np.testing.assert_allclose(read_stack(tmp_path / "s_new.mrcs"), images[[4, 1]] + 1, atol=1e-6)
    assert read_star(tmp_path / "p_new.star")["particles"]["rlnImageName"][1] == "000002@s_new.mrcs"
    told = run(ImageHandler, tmp_path, "--i", "s.mrcs", "--stats", "--com")
    assert len(told.said) == 10
    assert "angpix = 2" in told.said[0]
    assert "data_power" in run(ImageHandler, tmp_path, "--i", "a.mrc", "--power").said[0]
    run(ImageHandler, tmp_path, "--i", "a.mrc", "--o", "a.png", "--sigma_contrast", "3")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_image_handler_says_what_it_cannot(images, tmp_path):
    for flags, words in (
        (("--add_constant", "1", "--multiply_constant", "2"), "one alone"),
        (("--flipZ",), "2D image"),
        (("--sym", "D2"), "2D image"),
        (("--divide_constant", "0"), "divide_constant is 0"),
        (("--colour_fire",), "grey"),
        (("--fsc", "a.mrc"), "cubic maps"),
    ):
        with pytest.raises(InputError, match=words):
            handled(tmp_path, *flags)
    with pytest.raises(ParameterError, match="--o is empty"):
        run(ImageHandler, tmp_path, "--i", "a.mrc", "--lowpass", "10")
    write_image(tmp_path / "n.mrc", np.full((8, 8), np.nan), pixel_size=1)
    with pytest.raises(InputError, match="--remove_nan"):
        handled(tmp_path, "--lowpass", "10", i="n.mrc")
    assert (handled(tmp_path, "--remove_nan", "--replace_nan", "4", i="n.mrc")[0] == 4).all()
    with pytest.raises(InputError, match="shape"):
        handled(tmp_path, "--add", "n.mrc")
