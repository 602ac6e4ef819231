"""Declarations: values, flags, job.star variables and the wording of errors."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pytest

from relionlab.errors import ParameterError
from relionlab.jobs.options.running import RunningOptions
from relionlab.params import Parameter, When, to_text


class Example(RunningOptions):
    name: ClassVar[str] = "example"

    size: Annotated[
        float,
        Parameter(label="Size", help="…", tab="Main", unit="Å", key="size", flag="--size", bounds=(0, 100)),
    ] = 20.0
    half: Annotated[
        float, Parameter(label="Half", help="…", tab="Main", unit="°", key="half", flag="--twice", flag_factor=2)
    ] = 6.0
    keep: Annotated[bool, Parameter(label="Keep", help="…", tab="Main", key="keep", flag="--drop", flag_if=False)] = (
        True
    )
    limit: Annotated[
        float | None,
        Parameter(label="Limit", help="…", tab="Main", unit="Å", key="limit", flag="--limit", none_as="-1"),
    ] = None
    sort: Annotated[
        Literal["one", "two words"],
        Parameter(label="Kind", help="…", tab="Main", key={"3.1": "kind", "5": "sort"}, when=(When("keep"),)),
    ] = "one"
    count: Annotated[int, Parameter(label="Count", help="…", tab="Main", key="count", flag="--count")] = 3


def test_running_is_the_last_page():
    assert list(Example.tabs()) == ["Main", "Running"]


def test_repr_makes_the_same_value():
    value = Example(size=30, keep=False, queuename="q")
    assert eval(repr(value)) == value
    assert repr(value) == "Example(queuename='q', size=30.0, keep=False)"


def test_flags_both_ways():
    value = Example(size=1.5, half=4, keep=False, limit=8, count=-1, nr_threads=2)
    flags = value.flags()
    assert flags == ["--j", "2", "--size", "1.5", "--twice", "8", "--drop", "--limit", "8", "--count", "-1"]
    assert Example.from_flags(flags) == value


def test_none_has_its_text_on_disk_and_on_the_command_line():
    assert Example().job_options()["limit"] == "-1"
    assert Example.parse("limit", "-1") is None
    assert "--limit" not in Example().flags()
    assert Example.from_flags(["--limit", "-1"]).limit is None


def test_keys_may_differ_between_dialects():
    assert "kind" in Example().job_options("3.1")
    assert "kind" not in Example().job_options("4")
    assert Example().job_options("5")["sort"] == "one"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sise", "3"], "Did you mean --size?"),
        (["--size"], "--size needs a value (Size in Å)"),
        (["--size", "big"], "'big'; expected a number in Å."),
        (["--count", "1.5"], "'1.5'; expected a whole number."),
    ],
)
def test_wrong_arguments_are_said(arguments, said):
    with pytest.raises(ParameterError, match=r"example|Size|Count") as error:
        Example.from_flags(arguments)
    assert said in str(error.value)


def test_values_may_be_joined_to_their_flags_and_the_last_one_counts():
    joined = Example.from_flags(["--size=2.5", "--count=-1", "--drop=true"])
    assert joined == Example.from_flags(["--drop", "--count", "-1", "--size", "2.5"])
    assert Example.from_flags(["--drop=false"]) == Example.from_flags([])
    assert Example.from_flags(["--size", "1", "--size", "3"]).size == 3
    with pytest.raises(ParameterError, match="Yes or No"):
        Example.from_flags(["--drop=perhaps"])


def test_wrong_values_are_said():
    assert Example(size=200).problems() == ["Size (size) is 200 Å; it must lie between 0 Å and 100 Å."]
    with pytest.raises(ParameterError, match=r"one of 'one', 'two words'"):
        Example(sort="three")
    with pytest.raises(ParameterError, match=r"no parameter 'sizes'.*Did you mean size"):
        Example(sizes=3)


class OnTheCommandLine(Example):
    typed_as_flags: ClassVar[bool] = True

    half: Annotated[
        float,
        Parameter(label="Half", help="…", tab="Main", unit="°", flag="--twice", flag_factor=2, bounds=(0.1, None)),
    ] = 6.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--twice", "-6"], "--twice (Half) is -6 °; it must be at least 0.2 °."),
        (["--size", "200"], "--size (Size) is 200 Å; it must lie between 0 Å and 100 Å."),
        (["--count", "many"], "--count (Count) is 'many'; expected a whole number"),
    ],
)
def test_on_the_command_line_flags_are_said_with_their_own_values(arguments, said):
    with pytest.raises(ParameterError) as error:
        OnTheCommandLine.from_flags(arguments).check()
    assert said in str(error.value)


def test_what_does_not_apply_is_not_checked():
    assert Example(keep=False).applies("sort") is False
    assert Example().applies("sort") is True
    assert Example(do_queue=False, min_dedicated=0).problems() == []
    assert Example(do_queue=True, min_dedicated=0).problems() != []


def test_values_do_not_change():
    with pytest.raises((AttributeError, TypeError, ValueError)):
        Example().size = 3
    assert Example().changed(size=3).size == 3


@pytest.mark.parametrize(
    ("value", "text"), [(True, "Yes"), (False, "No"), (2.0, "2"), (0.1, "0.1"), (3, "3"), (None, "")]
)
def test_text_is_relions(value, text):
    assert to_text(value) == text
