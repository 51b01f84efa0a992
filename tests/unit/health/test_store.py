"""The health of the models in a DynamoDB in memory, and what happens when it fails."""

import logging
import random
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.contracts.runtime import Runtime
from signalbox.health import store
from signalbox.health.store import BLIND_MS
from tests.builders import reply
from tests.fakes.dynamodb import Fault, InMemoryDynamoDB
from tests.unit.health.contract import DECISION, DOWN, HOP, PROBE, HealthContract, World

KEYS = {"Counters": ("counter", "window")}


@pytest.fixture
def world() -> World:
    return World(InMemoryDynamoDB(KEYS), "Counters")


class TestInMemory(HealthContract):
    pass


def calls(world: World) -> list[str]:
    assert isinstance(world.dynamodb, InMemoryDynamoDB)
    return world.dynamodb.calls


@pytest.mark.row("E9")
def test_an_attempt_is_one_write_and_a_transition_one_more(world: World) -> None:
    health = world.process()
    health.read(["a", "b", "c"])
    assert calls(world) == ["BatchGetItem"]
    health.report(HOP, DECISION, reply("a"), 50)
    assert calls(world)[1:] == ["UpdateItem", "PutItem"]  # the first of its epoch
    calls(world).clear()
    health.report(HOP, DECISION, reply("a"), 50)
    health.report(HOP, DECISION, DOWN, 50)
    assert calls(world) == ["UpdateItem"] * 2
    calls(world).clear()
    for _ in range(4):
        health.report(HOP, DECISION, DOWN, 50)
    assert calls(world).count("PutItem") == 1
    assert world.seen(health).circuit == "cooling"
    assert "BatchGetItem" not in calls(world)  # its own changes are seen at once


@pytest.mark.row("E9")
def test_what_is_stored_goes_away_by_itself(world: World) -> None:
    world.tells(DOWN, times=4)
    assert isinstance(world.dynamodb, InMemoryDynamoDB)
    items = world.dynamodb.items("Counters")
    assert {item["window"] for item in items} == {"health#circuit", "health#60#5"}
    assert all(item["counter"] == "model#a" for item in items)
    assert all(item["expires_at"] > world.clock.at_ms // 1_000 + 29 * 86_400 for item in items)


def test_without_the_store_all_is_well_and_it_is_asked_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    down: Fault | None = "lost"
    world = World(InMemoryDynamoDB(KEYS, faults=lambda: down), "Counters")
    health = world.process()
    with caplog.at_level(logging.WARNING):
        assert health.read(["a"]) == Runtime()
        assert health.enter(PROBE)
        health.report(HOP, DECISION, reply("a"), 50)
    (line,) = caplog.records
    assert line.__dict__["error.type"] == "StoreUnavailable"
    down = None
    assert health.read(["a"]) == Runtime()
    world.clock.at_ms += BLIND_MS
    assert "a" in health.read(["a"]).models


def test_a_store_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LIMIT_MS", 20)
    given_up = threading.Event()

    class Hanging(InMemoryDynamoDB):
        def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            given_up.wait(5)
            return super()._call(operation, arguments)

    health = World(Hanging(KEYS), "Counters").process()
    assert health.read(["a"]) == Runtime()
    given_up.set()


@given(seed=st.integers(0, 10**6))
def test_answers_that_get_lost_change_nothing(seed: int) -> None:
    """Every write arrives; of some nobody hears, and they are made again."""
    chance, quiet = random.Random(seed), False  # noqa: S311 - a script of faults

    def faults() -> Fault | None:
        nonlocal quiet
        quiet = not quiet and chance.random() < 0.4  # never so often that the client gives up
        return "unanswered" if quiet else None

    world = World(InMemoryDynamoDB(KEYS, faults=faults), "Counters")
    world.tells(reply("a"), times=3)
    assert world.seen().attempts == pytest.approx(3, rel=0.01)
    world.tells(DOWN, times=4)
    assert world.seen().circuit == "cooling"
    world.clock.at_ms += 10_000
    first = world.process()
    assert first.enter(PROBE)
    assert not world.process().enter(PROBE)
    first.report(PROBE, DECISION, DOWN, 50)
    assert world.seen().shut_until_ms == world.clock.at_ms + 20_000
