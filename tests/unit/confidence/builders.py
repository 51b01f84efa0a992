"""Replies to judge."""

from typing import Any

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.messages import ToolCall
from tests.builders import reply as result

CALL = ToolCall(id="c1", name="refund", arguments='{"order": 7}')


def reply(text: str = "The refund takes five days.", **fields: Any) -> AdapterReply:
    made = result("fast", text).reply
    assert made is not None
    return made.model_copy(update=fields)
