"""The run_itNNN files: complete for RELION, read from RELION 3.1 and 5, and read back to the last bit."""

from __future__ import annotations

import dataclasses
import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError, InputError
from relionlab.io.images import write_stack
from relionlab.io.star import read_star
from relionlab.jobs.refinement.files import Iteration, read_iteration, restored, write_iteration
from relionlab.jobs.refinement.input import poses_of
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run_options import saved_options
from tests.jobs.class2d_runs import BOX, COUNT, PIXEL_SIZE, arguments, refine, result

# What relion_refine 3.1.3 writes for a 2D classification, and reads to continue it: table -> labels without "rln".
OPTIMISER = """OutputRootName ModelStarFile ExperimentalDataStarFile OrientSamplingStarFile CurrentIteration
NumberOfIterations DoSplitRandomHalves JoinHalvesUntilThisResolution AdaptiveOversampleOrder AdaptiveOversampleFraction
RandomSeed ParticleDiameter WidthMaskEdge DoZeroMask DoSolventFlattening DoSolventFscCorrection SolventMaskName
SolventMask2Name BodyStarFile TauSpectrumName MaximumCoarseImageSize HighresLimitExpectation LowresLimitExpectation
IncrementImageSize DoMapEstimation DoFastSubsetOptimisation DoExternalReconstruct DoStochasticGradientDescent
DoStochasticEM SgdInitialIterations SgdFinalIterations SgdInBetweenIterations SgdInitialResolution SgdFinalResolution
SgdInitialSubsetSize SgdFinalSubsetSize SgdMuFactor SgdSigma2FudgeInitial SgdSigma2FudgeHalflife SgdSkipAnneal
SgdSubsetSize SgdWriteEverySubset SgdStepsize DoAutoRefine AutoLocalSearchesHealpixOrder NumberOfIterWithoutResolutionGain
BestResolutionThusFar NumberOfIterWithoutChangingAssignments DoSkipAlign DoSkipRotate OverallAccuracyRotations
OverallAccuracyTranslationsAngst ChangesOptimalOrientations ChangesOptimalOffsets ChangesOptimalClasses
SmallestChangesOrientations SmallestChangesOffsets SmallestChangesClasses LocalSymmetryFile DoHelicalRefine
IgnoreHelicalSymmetry FourierMask HelicalTwistInitial HelicalRiseInitial HelicalCentralProportion NrHelicalNStart
HelicalMaskTubeInnerDiameter HelicalMaskTubeOuterDiameter HelicalSymmetryLocalRefinement HelicalSigmaDistance
HelicalKeepTiltPriorFixed HasConverged HasHighFscAtResolLimit HasLargeSizeIncreaseIterationsAgo DoCorrectNorm
DoCorrectScale DoCorrectCtf DoIgnoreCtfUntilFirstPeak CtfDataArePhaseFlipped DoOnlyFlipCtfPhases RefsAreCtfCorrected
FixSigmaNoiseEstimates FixSigmaOffsetEstimates MaxNumberOfPooledParticles"""
MODEL = """ReferenceDimensionality DataDimensionality OriginalImageSize CurrentResolution CurrentImageSize PaddingFactor
IsHelix FourierSpaceInterpolator MinRadiusNnInterpolation PixelSize NrClasses NrBodies NrGroups Tau2FudgeFactor
NormCorrectionAverage SigmaOffsetsAngst OrientationalPriorMode SigmaPriorRotAngle SigmaPriorTiltAngle SigmaPriorPsiAngle
LogLikelihood AveragePmax"""
CLASSES = """ReferenceImage ClassDistribution AccuracyRotations AccuracyTranslationsAngst EstimatedResolution
OverallFourierCompleteness ClassPriorOffsetX ClassPriorOffsetY"""
CLASS = """SpectralIndex Resolution AngstromResolution SsnrMap GoldStandardFsc FourierCompleteness ReferenceSigma2
ReferenceTau2 SpectralOrientabilityContribution"""
SAMPLING = """Is3DSampling Is3DTranslationalSampling PsiStep OffsetRange OffsetStep HelicalOffsetStep
SamplingPerturbInstance SamplingPerturbFactor HealpixOrderOriginal PsiStepOriginal OffsetRangeOriginal
OffsetStepOriginal"""
PARTICLES = """ImageName MicrographName OpticsGroup DefocusU DefocusV DefocusAngle GroupNumber AngleRot AngleTilt AnglePsi
OriginXAngst OriginYAngst ClassNumber NormCorrection LogLikeliContribution MaxValueProbDistribution
NrOfSignificantSamples"""
OPTICS = """OpticsGroupName OpticsGroup MicrographOriginalPixelSize Voltage SphericalAberration AmplitudeContrast
ImagePixelSize ImageSize ImageDimensionality"""
TABLES = {
    ("optimiser", "optimiser_general"): OPTIMISER,
    ("model", "model_general"): MODEL,
    ("model", "model_classes"): CLASSES,
    ("model", "model_class_1"): CLASS,
    ("model", "model_class_3"): CLASS,
    ("model", "model_groups"): "GroupNumber GroupName GroupNrParticles GroupScaleCorrection",
    ("model", "model_group_1"): "SpectralIndex Resolution Sigma2Noise",
    ("model", "model_group_2"): "SpectralIndex Resolution Sigma2Noise",
    ("sampling", "sampling_general"): SAMPLING,
    ("data", "particles"): PARTICLES,
    ("data", "optics"): OPTICS,
}


@pytest.mark.parametrize(("file", "name"), TABLES)
def test_every_table_has_what_relion_writes(finished, file, name):
    table = result(finished, 2).table(file, name)
    wanted = {f"rln{label}" for label in TABLES[file, name].split()}
    assert wanted <= set(table.labels)
    assert table.loop == (not name.endswith("_general"))


def test_each_iteration_leaves_five_files_and_no_others(finished):
    names = {path.name for path in (finished / "Class2D/a").iterdir()}
    endings = ("data.star", "model.star", "optimiser.star", "sampling.star", "classes.mrcs")
    assert names == {f"run_it{number:03d}_{ending}" for number in range(3) for ending in endings}


def test_spectra_have_a_row_per_shell_and_files_point_to_each_other(finished):
    model = read_star(result(finished, 2).stem.as_posix() + "_model.star")
    assert len(model["model_class_1"]) == len(model["model_group_1"]) == BOX // 2 + 1
    assert list(model["model_classes"]["rlnReferenceImage"]) == [
        f"{number:06d}@Class2D/a/run_it002_classes.mrcs" for number in (1, 2, 3)
    ]
    assert model["model_classes"]["rlnClassDistribution"].sum() == pytest.approx(1)
    assert model["model_groups"]["rlnGroupNrParticles"].sum() == COUNT
    optimiser = result(finished, 2).table("optimiser", "optimiser_general")
    assert optimiser.value("rlnModelStarFile") == "Class2D/a/run_it002_model.star"
    assert optimiser.value("rlnCurrentIteration") == optimiser.value("rlnNumberOfIterations") == 2


def test_the_command_line_stands_in_the_optimiser_and_can_be_read_again(finished):
    first, second = (finished / "Class2D/a/run_it002_optimiser.star").read_text().splitlines()[:2]
    assert first.startswith("# RELION optimiser; version")
    again = Refine.from_flags(second.removeprefix("#").split())
    assert again.flags() == Refine.from_flags(arguments()).flags()


def test_reading_back_gives_the_same_state_to_the_last_bit(finished, tmp_path):
    saved = read_iteration("Class2D/a/run_it002_optimiser.star", finished)
    model = restored(saved, shells_ahead=10)
    names = [str(name) for name in dict.fromkeys(saved.table.particles["rlnMicrographName"])]
    poses = poses_of(saved.table, np.array(saved.table.particles["rlnGroupNumber"]) - 1)
    labels = saved.optimiser.labels
    write_iteration(
        "Class2D/b/run",
        Iteration(2, model, poses, None, model.radius),
        saved.table,
        directory=tmp_path,
        options={label: saved.optimiser.value(label) for label in labels} | {"tau2_fudge": saved.tau2_fudge},
        sampling={label: saved.sampling.value(label) for label in saved.sampling.labels},
        command="",
        group_names=names,
    )
    again = read_iteration("Class2D/b/run_it002_optimiser.star", tmp_path)
    same(restored(again, shells_ahead=10), model)
    same(poses_of(again.table, poses.group), poses)
    assert all(np.array_equal(again.table.particles[x], saved.table.particles[x]) for x in saved.table.particles.labels)
    assert saved_options(Refine(), again) == saved_options(Refine(), saved)


def same(first: object, second: object) -> None:
    for field in dataclasses.fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        assert np.array_equal(one, other), field.name
        assert np.asarray(one).dtype == np.asarray(other).dtype, field.name


def test_the_options_of_a_run_come_back_from_its_files(finished):
    saved = read_iteration("Class2D/a/run_it002_optimiser.star", finished)
    before, after = Refine.from_flags(arguments()), saved_options(Refine(), saved)
    names = "nr_classes nr_iter tau_fudge particle_diameter do_zero_mask flatten_solvent do_ctf_correction norm scale"
    same = ("psi_sampling", "offset_range", "offset_step", "random_seed", "do_center", "size_prior", "local_offsets")
    for name in (*names.split(), *same):
        assert getattr(after, name) == pytest.approx(getattr(before, name)), name
    changed = saved_options(Refine(nr_iter=7, tau_fudge=4.0, no_norm=True), saved)
    assert (changed.nr_iter, changed.tau_fudge, changed.no_norm, changed.nr_classes) == (7, 4.0, True, 3)


def test_the_rules_of_a_run_are_not_forgotten_when_it_is_continued(tiny):
    refine(tiny, arguments("--iter", "1", "--size_prior", "--local_offsets"))
    saved = read_iteration("Class2D/a/run_it001_optimiser.star", tiny)
    options = saved_options(Refine(), saved)
    assert (options.size_prior, options.local_offsets) == (True, True)


def test_centring_is_not_forgotten_when_a_run_is_continued(tiny):
    refine(tiny, arguments("--iter", "1", "--center_classes"))
    saved = read_iteration("Class2D/a/run_it001_optimiser.star", tiny)
    assert saved_options(Refine(), saved).do_center
    assert not saved_options(Refine(), read_iteration_without_centring(tiny)).do_center


def read_iteration_without_centring(directory: Path):
    refine(directory, arguments("--iter", "1", root="Class2D/b/run"))
    return read_iteration("Class2D/b/run_it001_optimiser.star", directory)


def test_an_iteration_of_relion_5_is_read(shared_data, tmp_path):
    folder = tmp_path / "Class2D/job010"
    shutil.copytree(shared_data / "empiar10204_betagal_relion5/Class2D/job010", folder)
    folder.chmod(0o755)
    packed = folder / "run_it025_data.star.gz"
    (folder / "run_it025_data.star").write_bytes(gzip.decompress(packed.read_bytes()))
    saved = read_iteration("Class2D/job010/run_it025_optimiser.star", tmp_path)
    options, model = saved_options(Refine(), saved), restored(saved, shells_ahead=10)
    assert (saved.iteration, model.classes, model.box, model.pixel_size) == (25, 50, 64, 3.54)
    assert model.sigma2.shape == (10, 33)
    assert np.ptp(model.sigma2, axis=0).max() == 0  # RELION 5 has one spectrum for the optics group
    assert model.resolution_shell == 13
    assert model.class_share.sum() == pytest.approx(1, abs=1e-4)
    assert model.references.std() > 0
    assert options.do_center
    assert (options.size_prior, options.local_offsets) == (True, False)
    assert (options.tau_fudge, options.particle_diameter, options.random_seed) == (2.0, 200.0, 1725014825)
    assert (options.psi_sampling, options.offset_step, options.offset_range) == (5.625, 1.0, 5.0)
    assert len(saved.table) == len(poses_of(saved.table, np.zeros(len(saved.table), int))) > 1000


def test_an_iteration_of_relion_3_1_is_read_wherever_its_folder_lies(shared_data, tmp_path):
    source = shared_data / "relion31_tutorial_meta/Class2D/job008"
    for path in source.glob("run_it025_*.star"):
        shutil.copyfile(path, tmp_path / path.name)
    with pytest.raises(InputError, match=r"run_it025_optimiser.star names .*run_it025_classes.mrcs"):
        read_iteration("run_it025_optimiser.star", tmp_path)
    general = read_star(tmp_path / "run_it025_model.star")["model_general"]
    box, classes = int(general.value("rlnOriginalImageSize")), int(general.value("rlnNrClasses"))
    averages = np.random.default_rng(1).normal(size=(classes, box, box)).astype(np.float32)
    write_stack(tmp_path / "run_it025_classes.mrcs", averages, pixel_size=PIXEL_SIZE)
    saved = read_iteration("run_it025_optimiser.star", tmp_path)
    options = saved_options(Refine(), saved)
    assert (saved.iteration, saved.model.classes, saved.model.box) == (25, classes, box)
    assert np.array_equal(saved.model.references, averages)
    assert saved.model.sigma2.shape == (len(saved.model.scale), box // 2 + 1)
    assert (saved.model.sigma2[:, 1:] > 0).all()
    assert (options.psi_sampling, options.offset_step, options.offset_range) == (5.625, 1.0, 5.0)
    assert options.do_ctf_correction
    assert options.norm
    assert not options.do_center
    assert (options.size_prior, options.local_offsets) == (True, True)  # RELION 3.1's rules
    assert saved.table.particles["rlnClassNumber"].max() <= classes
    write_stack(tmp_path / "run_it025_classes.mrcs", averages[: classes - 1], pixel_size=PIXEL_SIZE)
    with pytest.raises(ImageError, match=rf"{classes - 1} class averages.*{classes}"):
        read_iteration("run_it025_optimiser.star", tmp_path)
