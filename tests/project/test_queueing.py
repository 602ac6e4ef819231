from __future__ import annotations

import pytest

from relionlab.errors import JobStateError
from relionlab.project.queueing import filled_template

TEMPLATE = """#!/bin/sh
#SBATCH --ntasks=XXXmpinodesXXX --cpus-per-task=XXXthreadsXXX -p XXXqueueXXX XXXextra1XXX
#SBATCH -o XXXoutfileXXX -e XXXerrfileXXX
# XXXnodesXXX nodes of XXXdedicatedXXX for XXXcoresXXX cores of XXXnameXXX
mpirun -n XXXmpinodesXXX XXXcommandXXX
echo done
"""


def test_the_line_of_the_command_becomes_ours():
    text = filled_template(TEMPLATE, {"queue": "gpu"}, ["relionlab", "run", "Class2D/my job/"])
    assert "\nrelionlab run 'Class2D/my job/'\necho done\n" in text
    assert "mpirun" not in text
    assert "-p gpu \n" in text
    assert "XXX" not in text


def test_a_queued_job_runs_when_the_queue_runs_it(project, pretending, start):
    (project.directory / "cluster.sh").write_text(TEMPLATE)
    options = {"do_queue": True, "qsub": "sh", "qsubscript": "cluster.sh", "queuename": "long"}
    job = project.add(pretending(**options, nr_mpi=3, nr_threads=4, min_dedicated=8))
    start(job)
    assert job.wait(60) == "finished"
    script = (job.path / "run_submit.script").read_text()
    assert "--ntasks=3 --cpus-per-task=4 -p long" in script
    assert "-o External/job001/run.out -e External/job001/run.err" in script
    assert "# 2 nodes of 8 for 12 cores of External/job001/" in script
    assert "sh External/job001/run_submit.script\n" in job.log()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"qsubscript": "none.sh"}, r"submission script .*none.sh does not exist"),
        ({"qsub": "no_such_queue"}, r"'no_such_queue' cannot be run"),
        ({"qsub": "sh -c 'echo too many jobs >&2; exit 3'"}, r"did not take the job: too many jobs"),
    ],
)
def test_a_queue_that_refuses_fails_the_job(project, pretending, start, options, words):
    (project.directory / "cluster.sh").write_text(TEMPLATE)
    job = project.add(pretending(**({"do_queue": True, "qsub": "sh", "qsubscript": "cluster.sh"} | options)))
    with pytest.raises(JobStateError, match=words):
        start(job)
    assert job.state == "failed"


def test_a_job_that_waits_in_the_queue_is_taken_out_of_it(project, pretending, tmp_path):
    (project.directory / "cluster.sh").write_text(TEMPLATE)
    for name, does in (("sbatch", "echo Submitted batch job 4711"), ("scancel", f"echo $* > {tmp_path}/told")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    job = project.add(pretending(do_queue=True, qsub=f"{tmp_path}/sbatch", qsubscript="cluster.sh"))
    job.start()
    assert job.abort().state == "running"  # asked; it would heed it when the queue begins with it
    job.abort(kill=True)
    assert (tmp_path / "told").read_text() == "4711\n"
    assert job.state == "aborted"
    assert "scancel 4711" in job.message


def test_a_queue_that_nobody_knows_is_left_to_the_user(project, pretending):
    (project.directory / "cluster.sh").write_text(TEMPLATE)
    job = project.add(pretending(do_queue=True, qsub="true", qsubscript="cluster.sh"))
    job.start()
    with pytest.raises(JobStateError, match="not known here"):
        job.abort(kill=True)
    assert job.state == "running"
