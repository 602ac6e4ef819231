"""Jobs and workflows as JSON, and running them."""

from __future__ import annotations

import pytest

from relionlab.errors import ParameterError
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.importing.job import Import
from relionlab.jobs.job_json import Workflow, from_json, resolved, to_json
from relionlab.jobs.selecting.select import Select

JOBS = [
    Import(fn_in_raw="Movies/*.tiff", angpix=0.885, extra=(("qsub_extra1", "3"),)),
    Select(fn_model="Class2D/job002/run_it025_model.star", classes="1,3"),
    ForeignJob(job_type="relion.class3d", options=(("fn_img", "x.star"), ("nr_classes", "4"))),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_jobs_go_both_ways(job):
    assert from_json(to_json(job)) == job


def test_workflows_go_both_ways():
    workflow = Workflow((("import", JOBS[0]), ("good", Select(fn_mic="{import}micrographs.star", classes="1"))))
    again = from_json(to_json(workflow))
    assert again == workflow
    assert resolved(again.jobs[1][1], {"import": "Import/job001/"}).fn_mic == "Import/job001/micrographs.star"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ("[]", "expected a JSON object"),
        ("{}", "needs a 'type'"),
        ('{"type": "relion.nothing"}', "no job type"),
        ('{"type": "relion.import", "parameters": {"angpixel": 1}}', "Did you mean angpix"),
        (
            '{"jobs": [{"name": "a", "type": "relion.select", "parameters": {"fn_data": "{b}x.star"}}]}',
            "no earlier job",
        ),
        ('{"jobs": [{"name": "a", "type": "relion.select"}, {"name": "a", "type": "relion.select"}]}', "two jobs"),
        ('{"jobs": [{"name": "a b", "type": "relion.select"}]}', "cannot name a job"),
    ],
)
def test_wrong_json_is_said(text, said):
    with pytest.raises(ParameterError, match=said):
        from_json(text)
