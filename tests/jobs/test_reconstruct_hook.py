"""A user's own regulariser between the iterations of an auto-refinement."""

import sys
import types

import numpy as np
import pytest

from relionlab.errors import ComputeError, ParameterError
from relionlab.jobs.refinement.hook import hook_named

MAPS = (np.ones((4, 4, 4), np.float32), np.zeros((4, 4, 4), np.float32), np.ones(3))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    made = types.ModuleType("my_regulariser")
    monkeypatch.setitem(sys.modules, "my_regulariser", made)
    return made


def test_no_name_is_no_hook():
    assert hook_named("") is None


def test_the_function_gets_both_maps_and_the_fsc(module):
    module.swap = lambda first, second, fsc: (second * fsc[0], first)
    first, second = hook_named("my_regulariser:swap")(*MAPS)
    np.testing.assert_array_equal(first, MAPS[1])
    np.testing.assert_array_equal(second, MAPS[0])


@pytest.mark.parametrize("name", ["nowhere.at_all:f", "my_regulariser:missing", "my_regulariser"])
def test_what_cannot_be_loaded_is_said(module, name):
    with pytest.raises(ParameterError, match="reconstruct_hook"):
        hook_named(name)


@pytest.mark.parametrize("result", [(np.ones((2, 2, 2)),) * 2, (MAPS[0],), (MAPS[0], MAPS[0] * np.nan)])
def test_maps_that_do_not_fit_are_refused(module, result):
    module.bad = lambda *_: result
    with pytest.raises(ComputeError, match="expected two finite ones"):
        hook_named("my_regulariser:bad")(*MAPS)
