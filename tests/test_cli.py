"""The command line: dispatch, help, errors, markers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from relionlab import __version__
from relionlab.cli import _COMMANDS, main
from relionlab.jobs.reference import markdown_reference, terminal_help
from relionlab.jobs.registry import (
    _PROGRAM_OF_JOB,
    _RELION_ONLY,
    OWN_PROGRAMS,
    job_classes,
    job_types,
    program,
    programs,
)
from tests.test_rules_declarations import commands_of


def test_version_and_overview(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"relionlab {__version__}\n"
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert all(f"  {name} " in overview for name in programs())
    assert "doctor" in overview
    theirs, ours = overview.split("Programs of our own")
    assert set(OWN_PROGRAMS) <= set(programs())
    assert all(f"  {name} " in (ours if name in OWN_PROGRAMS else theirs) for name in programs())


def test_module_can_be_run():
    done = subprocess.run([sys.executable, "-m", "relionlab", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"relionlab {__version__}\n"


@pytest.mark.parametrize("name", sorted(programs()))
def test_help_names_every_flag_with_its_unit(name, capsys):
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    for parameter in program(name).parameters().values():
        if parameter.flag is not None:
            assert parameter.flag in shown
    assert main([f"relion_{name}"]) == 0  # RELION's own name, and its habit of showing help when nothing is given
    assert capsys.readouterr().out == shown


def test_help_tells_defaults_and_units():
    shown = terminal_help(program("import"))
    assert "--angpix NUMBER    (1 Å)" in shown
    assert "== Movies/mics ==" in shown
    assert "--do_movies    (off unless given)" in shown


def test_help_speaks_of_the_flag_not_of_the_form():
    shown = terminal_help(program("refine"))
    assert "--psi_step NUMBER    (10 °)" in shown  # what may be typed; the form's value is half of it
    flag, meaning = shown.partition("--skip_align")[2].splitlines()[:2]
    assert flag.strip() == "(off unless given)"
    assert meaning.strip().startswith("Says No to: Perform image alignment? Search")
    assert "?." not in shown
    assert shown.index("--i TEXT") < shown.index("--ctf") < shown.index("--K NUMBER") < shown.index("--pool")


@pytest.mark.relion
@pytest.mark.skipif(shutil.which("relion_refine") is None, reason="RELION is not installed")
def test_defaults_are_those_of_relions_program():
    """All that changes what a 2D classification does; RELION 3.1 reads -1 for psi_step as 10 degrees in 2D."""
    printed = subprocess.run(["relion_refine", "--help"], capture_output=True, text=True, check=False)
    theirs = dict(re.findall(r"(--\w+) \((.*?)\) :", printed.stdout + printed.stderr)) | {"--psi_step": "10"}
    refine = program("refine")
    ours = {p.flag: p.on_flag(refine.default(name)) for name, p in refine.parameters().items()}
    flags = ["--iter", "--tau2_fudge", "--K", "--psi_step", "--offset_range", "--offset_step", "--oversampling"]
    flags += ["--pad", "--adaptive_fraction", "--maskedge", "--incr_size", "--perturb", "--offset"]
    assert {flag: float(ours[flag]) for flag in flags} == {flag: float(theirs[flag]) for flag in flags}


def test_faults_are_one_message(capsys):
    assert main(["star_handler", "--i", "none.star", "--select", "rlnDefocusU"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("relionlab: ")
    assert "none.star" in said
    assert "Traceback" not in said


def test_tracebacks_are_shown_when_asked(capsys, monkeypatch):
    assert main(["--traceback", "star_handler", "--i", "none.star", "--select", "rlnDefocusU"]) == 1
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.setenv("RELIONLAB_TRACEBACK", "1")
    assert main(["nonsense"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_unknown_programs_are_said(capsys):
    assert main(["star_handlr"]) == 1
    assert "Did you mean star_handler?" in capsys.readouterr().err
    assert main(["preproces", "--i", "x"]) == 1
    assert "there is no program 'preproces'" in capsys.readouterr().err
    assert main(["relion_display", "--i", "x"]) == 1
    assert "has no counterpart here: look at pictures" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(_COMMANDS))
def test_commands_say_how_they_are_called_anywhere(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no project
    try:
        status = main([command, "--help"])
    except SystemExit as done:
        status = done.code
    assert status in (0, None)
    assert f"relionlab {command}" in capsys.readouterr().out


def test_a_setting_that_is_no_number_is_named(capsys, monkeypatch):
    monkeypatch.setenv("RELIONLAB_WORKERS", "many")
    assert main(["doctor"]) == 1
    assert "RELIONLAB_WORKERS is 'many'" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "program"), list(_PROGRAM_OF_JOB.items()))
def test_names_of_job_types_lead_to_their_programs(typed, program, capsys):
    kind = {folder.lower(): found for folder, found in job_classes().items()}[typed]
    assert program in {command.program for command in commands_of(kind)}
    assert main([typed, "--i", "x.star"]) == 1
    said = capsys.readouterr().err
    assert f"{kind.__name__} is a job type; its work is done by `relionlab {program}`" in said
    assert main(["extrat"]) == 1
    assert "Extract is a job type" in capsys.readouterr().err


def test_messages_name_the_program_and_its_flag(capsys):
    assert main(["run_ctffind", "--i", "x.star", "--ResMin", "3"]) == 1
    assert "run_ctffind: --ResMin (Minimum resolution) is 3 Å and --ResMax" in capsys.readouterr().err
    assert main(["import", "--do_movies", "--i", "x"]) == 1
    assert capsys.readouterr().err.startswith("relionlab: import: --odir")


def test_help_has_whole_paragraphs():
    """No indentation of the source inside a line, and a help that says more than its label."""
    for kind in programs().values():
        assert not re.search(r"\S {2,}\S", terminal_help(kind).partition("\n==")[0]), kind
        for parameter in kind.parameters().values():
            assert parameter.help.rstrip(".") != parameter.label, parameter


def test_pipeline_control_leaves_markers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.star").write_text("data_\nloop_\n_rlnDefocusU\n1.0\n3.0\n")
    call = ["star_handler", "--i", "a.star", "--o", "b.star", "--minval", "2", "--pipeline_control", "Select/job001/"]
    assert main([*call, "--select", "rlnDefocusU"]) == 0
    assert (tmp_path / "Select/job001/RELION_JOB_EXIT_SUCCESS").exists()
    assert main([*call, "--select", "rlnDefocusV"]) == 1
    assert (tmp_path / "Select/job001/RELION_JOB_EXIT_FAILURE").exists()
    assert "rlnDefocusV" in capsys.readouterr().err


def test_the_marker_directory_may_be_joined_to_its_flag(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["star_handler", "--i=none.star", "--pipeline_control=Select/job001/"]) == 1
    assert (tmp_path / "Select/job001/RELION_JOB_EXIT_FAILURE").exists()
    assert main(["star_handler", "--i", "none.star", "--pipeline_control"]) == 1
    assert "--pipeline_control needs a value" in capsys.readouterr().err


def test_what_has_no_effect_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    call = ["refine", "--i", "none.star", "--o", "C/run", "--pad", "2", "--pool", "30", "--free_gpu_memory=100"]
    assert main(call) == 1  # there is no such file
    told = capsys.readouterr()
    assert "Without effect here: --free_gpu_memory, --pool." in told.out
    assert "none.star" in told.err
    assert main([*call, "--verb", "0"]) == 1
    assert capsys.readouterr().out == ""
    assert main([*call, "--skip_maximize"]) == 1
    assert "--skip_maximize (No maximisation) is not done here: run one iteration" in capsys.readouterr().err


def test_help_and_version_may_stand_anywhere(capsys):
    assert main(["mask_create", "--i", "x.mrc", "--version"]) == 0
    assert capsys.readouterr().out == f"relionlab {__version__}\n"
    assert main(["mask_create", "--i", "x.mrc", "--help"]) == 0
    assert "--width_soft_edge" in capsys.readouterr().out


def test_labels_are_printed(capsys):
    assert main(["refine", "--print_metadata_labels"]) == 0
    assert "rlnDefocusU (float) : " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("program", "instead"),
    [
        ("relion_display", "relionlab lab"),
        ("class_ranker", "class_selection"),
        ("relion_ctf_refine_mpi", "with RELION"),
    ],
)
def test_programs_that_only_relion_has_are_told(program, instead, capsys):
    assert main([program, "--i", "x.star"]) == 1
    said = capsys.readouterr().err
    assert "has no counterpart here" in said
    assert instead in said
    assert not set(_RELION_ONLY) & set(programs())


def test_run_needs_a_job_directory(tmp_path, capsys):
    assert main(["run", str(tmp_path)]) == 1
    assert "is not a project" in capsys.readouterr().err
    assert main(["run"]) == 2


def test_workflows_run_from_json(project_directory, capsys):
    from relionlab.io.star import read_star, write_star
    from relionlab.io.table import Table
    from relionlab.jobs.importing.job import Import
    from relionlab.jobs.job_json import Workflow, to_json
    from relionlab.jobs.selecting.select import Select

    rows = Table({"rlnMicrographName": [f"mic{number}.mrc" for number in range(10)]}, name="")
    write_star(project_directory / "list.star", [rows])
    workflow = Workflow(
        (
            (
                "given",
                Import(do_raw=False, do_other=True, fn_in_other="list.star", node_type="Micrographs STAR file (.star)"),
            ),
            ("few", Select(fn_mic="{given}list.star", classes="1-3")),
        )
    )
    (project_directory / "workflow.json").write_text(to_json(workflow))
    assert main(["run", "workflow.json"]) == 0
    assert "few: Select/job002" in capsys.readouterr().out
    assert len(read_star(project_directory / "Select/job002/micrographs.star")[""]) == 3


def test_doctor_looks_at_everything(capsys):
    main(["doctor"])
    shown = capsys.readouterr().out
    assert all(topic in shown for topic in ("Python", "numpy", "cores", "memory", "GPU", "RELION", "folder", "bokeh"))


def test_reference_has_every_parameter(capsys):
    page = markdown_reference()
    for job in job_types().values():
        assert f"## {job.folder} (`{job.type_label}`)" in page
        assert all(f"| `{name}` |" in page for name in job.parameters())
    assert main(["reference", "Select"]) == 0
    assert "`fn_model`" in capsys.readouterr().out
    assert main(["reference", "star_handler"]) == 0
    assert "`--remove_duplicates`" in capsys.readouterr().out
