"""Which part of a plan a request plays, and what in its text that part goes by.

answer: reply to a conversation, as ever. verify: judge a draft. rerank: choose among candidates. self_check: one word,
yes or no. The last three are known by the JSON asked for, else by the instruction at the end of the last user turn.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from workbench.simulator.exchange import SimRequest

Part = Literal["answer", "verify", "self_check", "rerank"]

VERDICTS = frozenset(("confirm", "correct", "replace"))
# Instructions come after the drafts; no more than this is read for them.
_TAIL_CHARACTERS = 2_000
_ASKS_VERDICT = re.compile(r'"verdict"\s*:\s*"confirm"')
_ASKS_PICK = re.compile(r'"pick"\s*:.{1,40}"answer"\s*:', re.DOTALL)
_ASKS_ONE_WORD = re.compile(r"\banswer with one word,? yes or no\.?\s*$", re.IGNORECASE)

_MARK = re.compile(r'<((?:draft|candidate)-[0-9a-f]{16}x*) number="1">')
_LABEL = re.compile(r"\[doc:([\w.-]{1,200})\]")
_MOST_CITED = 2


def part_of(request: SimRequest) -> Part:
    """What the request asks the model to be."""
    properties = _properties(wanted_schema(request))
    asked = request.last_user[-_TAIL_CHARACTERS:] if request.turns and request.turns[-1].role == "user" else ""
    verdicts = properties.get("verdict")
    if isinstance(verdicts, Mapping) and set(verdicts.get("enum") or ()) == VERDICTS:
        return "verify"
    if set(properties) == {"pick", "answer"}:
        return "rerank"
    if _ASKS_ONE_WORD.search(asked):  # first, for its draft may say anything, even the other instructions
        return "self_check"
    if _ASKS_VERDICT.search(asked):
        return "verify"
    return "rerank" if _ASKS_PICK.search(asked) else "answer"


def wanted_schema(request: SimRequest) -> Mapping[str, Any] | None:
    """The schema the reply is held to: of its format, or of the tool that it must call."""
    if request.form == "json_schema":
        return request.schema
    if request.tool_choice != "required":
        return None
    return next((tool.parameters for tool in request.tools if request.tool_name in (None, tool.name)), None)


def drafts(request: SimRequest) -> list[str]:
    """The texts to judge or to choose among, between marks that are named by their hash."""
    said = request.last_user
    if (mark := _MARK.search(said)) is None:
        return []
    return re.findall(rf'<{mark[1]} number="\d+">\n(.*?)\n</{mark[1]}>', said, re.DOTALL)


def question(request: SimRequest) -> str:
    """What the user asked, without a review's drafts and instructions; wires may have put both in one turn."""
    said = [turn.text for turn in request.turns if turn.role == "user"] or [""]
    mark = _MARK.search(said[-1])
    own = (said[-1][: mark.start()] if mark else said[-1]).strip()
    return own or (said[-2] if len(said) > 1 else "")


def instructions(request: SimRequest) -> str:
    """The system text without the documents in it: from the first mark to the last, since a sentence names both."""
    before, _, rest = request.system.partition("<documents>")
    return f"{before} {rest.rpartition('</documents>')[2]}"


def citable(request: SimRequest) -> tuple[str, ...]:
    """The first ids of the passages in the prompt: the system's, else the user's. ``ID`` is the instruction's own."""
    for text in (request.system, *(turn.text for turn in request.turns if turn.role == "user")):
        found = [name for name in dict.fromkeys(_LABEL.findall(text)) if name != "ID"]
        if found:
            return tuple(found[:_MOST_CITED])
    return ()


def uncited(text: str) -> str:
    """``text`` to be quoted, without what would then count as the quoter's own citations."""
    return text.replace("[doc:", "(doc:")


def _properties(schema: Mapping[str, Any] | None) -> Mapping[str, Any]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return properties if isinstance(properties, Mapping) else {}
