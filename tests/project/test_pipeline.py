from __future__ import annotations

from pathlib import Path

import pytest

from relionlab.errors import PipelineError, ProjectError
from relionlab.jobs.base import Node
from relionlab.jobs.process_types import PROCESS_TYPES
from relionlab.project.node_kinds import (
    LATER_PROCESSES,
    NODES,
    STATES,
    node_label,
    node_number,
    process_label,
    process_number,
)
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.pipeline_file import read_output_nodes, read_pipeline, write_output_nodes, write_pipeline

PARTICLES = "ParticleGroupMetadata.star.relion"


def chain() -> Pipeline:
    """Three jobs, each taking what the one before made."""
    pipeline = Pipeline()
    for number, (folder, label) in enumerate([("Import", "relion.import.other"), ("Class2D", "relion.class2d")], 1):
        name = f"{folder}/job{number:03d}"
        inputs = [Node("Import/job001/particles.star", PARTICLES)] if number > 1 else []
        made = [Node(f"{name}/particles.star", PARTICLES)]
        pipeline = pipeline.with_process(Process(name, label, "finished"), inputs=inputs, outputs=made)
    select = Process("Select/job003", "relion.select.split", "scheduled", "Select/best")
    return pipeline.with_process(select, inputs=pipeline.outputs_of("Class2D/job002"))


def test_every_number_has_a_label_that_gives_it_back():
    for number in [entry.number for entry in PROCESS_TYPES if entry.number is not None] + list(LATER_PROCESSES) + [777]:
        assert process_number(process_label(number)) == number
    for number in [*NODES, 777]:
        assert node_number(node_label(number)) == number


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("MicrographMoviesData.star.relion", 0),
        ("MicrographsData.star.relion.ctf", 1),
        ("MicrographCoordsGroup.star.relion.autopick", 2),
        ("ParticlesData.star.relion.class2d", 3),
        ("ImagesData.star.relion.classaverages", 5),
        ("DensityMap.mrc.relion.refine3d", 6),
        ("Mask3D.mrc.relion", 7),
        ("ProcessData.star.relion.optimiser.class2d", 9),
        ("OptimiserData.star.relion.select", 9),
        ("DensityMap.mrc.relion.halfmap.refine3d", 10),
        ("DensityMap.mrc.relion.postprocess.masked", 11),
        ("DensityMap.mrc.relion.localresfiltered", 11),
        ("Image3D.mrc.relion.localresmap", 12),
        ("LogFile.pdf.relion.postprocess", 13),
        ("ProcessData.star.relion.postprocess", 14),
        ("ProcessData.txt.relion.polish.params", 15),
        ("ParamsData.txt.relion.polish", 15),
    ],
)
def test_labels_of_relion_4_and_5_have_the_numbers_of_3(label, number):
    assert node_number(label) == number


@pytest.mark.parametrize(
    ("label", "number"),
    [("relion.import.movies", 0), ("relion.select.class2dauto", 7), ("relion.class3d.tomo", 9), ("modelangelo", 23)],
)
def test_variants_of_job_types_have_the_number_of_the_type(label, number):
    assert process_number(label) == number


def test_a_strange_kind_is_refused_with_advice():
    with pytest.raises(PipelineError, match=r"'Soup.can' has no number in RELION 3.1.*Keep the project"):
        node_number("Soup.can")
    with pytest.raises(PipelineError, match=r"'somebody.else' has no number"):
        process_number("somebody.else")


@pytest.mark.parametrize("dialect", ["3.1", "4", "5"])
def test_a_pipeline_survives_the_disk_in_every_dialect(tmp_path, dialect):
    pipeline = chain().convert(dialect)
    write_pipeline(tmp_path / "p.star", pipeline)
    assert read_pipeline(tmp_path / "p.star") == pipeline


def test_conversion_there_and_back_changes_nothing_that_3_1_knows():
    pipeline = chain().convert("3.1")
    assert pipeline.convert("5").convert("3.1") == pipeline
    assert pipeline.convert("4").convert("3.1") == pipeline


def test_conversion_fills_in_the_variants_that_numbers_lack():
    pipeline = chain().convert("3.1").convert("5", labels={"Import/job001": "relion.import.other"})
    assert pipeline.process("Import/job001").label == "relion.import.other"


def test_the_real_pipelines_come_back_as_they_were(shared_data, tmp_path):
    files = sorted(shared_data.rglob("*_pipeline.star"))
    assert len(files) > 30
    for path in files:
        pipeline = read_pipeline(path)
        write_pipeline(tmp_path / "p.star", pipeline)
        assert read_pipeline(tmp_path / "p.star") == pipeline, path
        for dialect in ("3.1", "4", "5"):
            turned = pipeline.convert(dialect)
            assert len(turned.nodes) == len(pipeline.nodes)
            if pipeline.dialect == "3.1":
                back = turned.convert("3.1")
                assert (back.processes, back.nodes) == (pipeline.processes, pipeline.nodes), path


def test_the_real_pipelines_have_the_dialects_that_wrote_them(shared_data):
    found = {path.parent.name: read_pipeline(path) for path in shared_data.glob("*/default_pipeline.star")}
    assert {name: pipeline.dialect for name, pipeline in found.items()} == {
        "relion31_tutorial_meta": "3.1",
        "empiar10204_betagal_relion5": "5",
        "empiar10017_betagal_relion21": "3.1",
    }
    assert len(found["relion31_tutorial_meta"].processes) == 31
    assert found["empiar10017_betagal_relion21"].version is None
    assert found["empiar10204_betagal_relion5"].process("LoGExtract").name == "Extract/job009"
    with pytest.raises(ProjectError, match=r"'LoG' may mean AutoPick/LoG, Class2D/LoG: give the folder"):
        found["empiar10204_betagal_relion5"].process("LoG")


def test_jobs_are_found_by_name_number_and_alias():
    pipeline = chain()
    for name in ("Select/job003", "Select/job003/", "job003", "Select/best", "best"):
        assert pipeline.process(name).name == "Select/job003"
    with pytest.raises(ProjectError, match=r"no job 'job009'.*It has 3, the last being Select/job003"):
        pipeline.process("job009")


def test_who_uses_what():
    pipeline = chain()
    assert pipeline.users("Import/job001") == ["Class2D/job002", "Select/job003"]
    assert pipeline.maker("Class2D/job002/particles.star") == "Class2D/job002"
    assert [node.path for node in pipeline.inputs_of("Class2D/job002")] == ["Import/job001/particles.star"]


def test_taking_jobs_out_takes_their_files_out():
    pipeline = chain().without(["Class2D/job002"])
    assert [process.name for process in pipeline.processes] == ["Import/job001", "Select/job003"]
    assert [node.path for node in pipeline.nodes] == ["Import/job001/particles.star"]
    assert pipeline.inputs == ()
    assert pipeline.counter == 4


def test_files_that_will_never_be_made_leave_unless_somebody_waits_for_them():
    pipeline = chain().with_outputs("Class2D/job002", [Node("Class2D/job002/old.star", PARTICLES)])
    both = ["Class2D/job002/old.star", "Class2D/job002/particles.star"]
    left = pipeline.without_outputs("Class2D/job002", both)
    assert [node.path for node in left.outputs_of("Class2D/job002")] == ["Class2D/job002/particles.star"]
    assert "Class2D/job002/old.star" not in [node.path for node in left.nodes]


def test_a_number_is_never_given_twice():
    late = Process("Class2D/job041", "relion.class2d", "finished")
    assert Pipeline(counter=7).with_process(late).next_number == 42
    with pytest.raises(PipelineError, match="already has a job"):
        Pipeline().with_process(late).with_process(late)


def test_a_job_pipeline_holds_one_job_and_its_files():
    part = chain().only(["Class2D/job002"])
    assert [process.name for process in part.processes] == ["Class2D/job002"]
    assert {node.path for node in part.nodes} == {"Import/job001/particles.star", "Class2D/job002/particles.star"}
    assert part.counter == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data_pipeline_nodes\nloop_\n_rlnPipeLineNodeName #1\na\n", "has no table pipeline_general"),
        ("data_pipeline_general\n_rlnPipeLineJobCounter many\n", "is damaged"),
        ("", "has no table pipeline_general; it has nothing"),
        (
            (
                "data_pipeline_general\n_rlnPipeLineJobCounter 2\ndata_pipeline_processes\nloop_\n"
                "_rlnPipeLineProcessName #1\n_rlnPipeLineProcessAlias #2\n_rlnPipeLineProcessType #3\n"
                "_rlnPipeLineProcessStatus #4\nImport/job001/ None 0 2\nImport/job001/ None 0 2\n"
            ),
            "lists Import/job001 more than once",
        ),
        (
            (
                "data_pipeline_general\n_rlnPipeLineJobCounter 2\ndata_pipeline_processes\nloop_\n"
                "_rlnPipeLineProcessName #1\n_rlnPipeLineProcessAlias #2\n_rlnPipeLineProcessType #3\n"
                "_rlnPipeLineProcessStatus #4\nImport/job001/ None\n"
            ),
            "is damaged",
        ),
    ],
)
def test_a_damaged_file_is_said_with_its_cure(tmp_path: Path, text, words):
    path = tmp_path / "default_pipeline.star"
    path.write_text(text)
    with pytest.raises(PipelineError, match=words) as error:
        read_pipeline(path)
    assert "Project.rebuild" in str(error.value)


def test_output_nodes_survive_the_disk(tmp_path):
    nodes = [chain().node("Import/job001/particles.star")]
    for dialect in ("3.1", "5"):
        write_output_nodes(tmp_path / "RELION_OUTPUT_NODES.star", nodes, dialect)
        assert read_output_nodes(tmp_path / "RELION_OUTPUT_NODES.star") == nodes
    assert read_output_nodes(tmp_path / "none.star") == []


def test_the_states_are_relions():
    assert {state: number for state, (number, _) in STATES.items()} == {
        "running": 0,
        "scheduled": 1,
        "finished": 2,
        "failed": 3,
        "aborted": 4,
    }


def test_what_declared_jobs_make_and_take_has_a_number_in_3_1():
    from relionlab.jobs.registry import job_types

    kinds = {node.kind for job in job_types().values() for node in [*job().outputs("X/job001/"), *job().inputs()]}
    kinds |= {p.node for job in job_types().values() for p in job.parameters().values() if p.node}
    assert len(kinds) > 5
    assert all(node_number(kind) in NODES for kind in kinds)
