"""The health of the models in a real DynamoDB."""

import pytest

from signalbox.health.averages import SUMS
from tests.functional.stores import Stores
from tests.unit.health.contract import HealthContract, World


@pytest.fixture
def world(stores: Stores) -> World:
    return World(stores.dynamodb, stores.table("Counters"))


class TestDynamoDB(HealthContract):
    pass


def test_sums_of_38_digits_are_added(stores: Stores) -> None:
    """MiniStack rounds to 28 digits, DynamoDB to 38: neither is seen in a ratio."""
    table, key = stores.table("Counters"), {"counter": "model#a", "window": "health#60#5"}
    largest = 4 * 10**37 + 1
    adds = ", ".join(f"#{name} :{name}" for name in SUMS)
    names, values = {f"#{name}": name for name in SUMS}, {f":{name}": largest for name in SUMS}
    for times in (1, 2):
        item = stores.dynamodb.update(table, key, f"ADD {adds}", names=names, values=values, returned="ALL_NEW")
        assert [item[name] for name in SUMS] == pytest.approx([largest * times] * len(SUMS), rel=1e-15)
