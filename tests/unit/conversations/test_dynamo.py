"""The real one keeps the contract, over a DynamoDB in memory."""

import pytest

from signalbox.conversations.dynamo import DynamoConversations
from tests.builders import FakeClock
from tests.fakes.bodies import MemoryBodies
from tests.fakes.dynamodb import InMemoryDynamoDB
from tests.unit.conversations.contract import KEEP_S, START_MS, ConversationsContract, Setting


@pytest.mark.row("A5")
class TestDynamo(ConversationsContract):
    @pytest.fixture
    def at(self) -> Setting:
        clock, forgotten = FakeClock(START_MS), list[str]()
        dynamodb = InMemoryDynamoDB({"Conversations": ("conversation", "item")})
        bodies = MemoryBodies()
        return Setting(
            DynamoConversations(dynamodb, "Conversations", bodies, KEEP_S, forgotten.extend, clock), clock, forgotten
        )
