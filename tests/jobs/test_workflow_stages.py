"""Every job type has a place in the workflow."""

from __future__ import annotations

from relionlab.jobs.process_types import PROCESS_TYPES
from relionlab.jobs.registry import job_types
from relionlab.jobs.workflow_stages import OTHER, STAGES, stage_of, type_of


def test_each_type_that_can_be_run_has_a_stage():
    assert [label for label in job_types() if stage_of(label) == OTHER] == []


def test_stages_name_types_that_relion_knows_once():
    named = [label for stage in STAGES for label in stage.types]
    assert set(named) <= {known.label for known in PROCESS_TYPES}
    assert len(set(named)) == len(named)


def test_variants_and_strangers():
    assert stage_of("relion.import.movies") == "Import"
    assert stage_of("relion.somebody.new") == OTHER
    assert type_of("relion.somebody.new").folder == "New"
