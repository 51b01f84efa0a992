"""The stand-in keeps the contract that the real one keeps."""

import pytest

from tests.builders import FakeClock
from tests.fakes.conversations import MemoryConversations
from tests.unit.conversations.contract import KEEP_S, START_MS, ConversationsContract, Setting


@pytest.mark.row("A5")
class TestMemory(ConversationsContract):
    @pytest.fixture
    def at(self) -> Setting:
        clock, forgotten = FakeClock(START_MS), list[str]()
        return Setting(MemoryConversations(clock, KEEP_S, forgotten.extend), clock, forgotten)
