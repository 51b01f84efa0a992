"""The answer: short, sensible, and the same for the same request.

Text begins with ``[simulated MODEL]``. A tool is called when the request demands one, or when it offers tools, the last
turn is the user's, and that turn says a tool's name, a telling word of the name (``weather`` of ``get_weather``) or two
telling words of its description. JSON conforms to the schema. Reasoning takes at most half of the output allowance.
"""

import json
import random
import re
from typing import Any

from workbench.simulator.exchange import Call, Finish, SimReply, SimRequest, TokenLogprob
from workbench.simulator.models import Model
from workbench.simulator.schema import Conformer, mentioned
from workbench.simulator.tokens import count, cut, pieces

_DULL_WORDS = """
    about after call check create current does fetch find from function given have into list look lookup make query read
    request return returns search send show that their this tool update used user value what when which with write your
"""
_DULL = frozenset(_DULL_WORDS.split())
_OPTIONS = re.compile(
    r"\b(?:one of|labels?|categor(?:y|ies)|options|classes|intents?)\b[^:\n]{0,60}:\s*(.+)", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_REMARKS = (
    "A real model would go into it here.",
    "No real model has read this.",
    "The wording depends on the request alone, so the same request gets the same reply.",
    "Put a provider's key in place to hear from the model itself.",
    "Length, speed and usage are made up to be plausible.",
)


def answer(request: SimRequest, model: Model, room_tokens: int) -> SimReply:
    """The reply to ``request`` within ``room_tokens`` of output. Raises ``UnsupportedSchema``."""
    dice = request.dice()
    allowance = min(room_tokens, request.max_output_tokens or model.output_cap_tokens, model.output_cap_tokens)
    reasoning = min(dice.choice((64, 128, 192, 256)), allowance // 2) if request.thinks else 0
    if tool_name := _called(request):
        tool = next(tool for tool in request.tools if tool.name == tool_name)
        arguments = Conformer(tool.parameters or {"type": "object"}, dice, request.last_user).value()
        spent = count(tool_name) + count(json.dumps(arguments))
        return SimReply(
            calls=(Call(tool_name, arguments),), finish="tool", output_tokens=spent, reasoning_tokens=reasoning
        )
    text, finish, stop = _ended(_said(request, model, dice), request, allowance - reasoning)
    if finish == "length" and allowance == room_tokens:
        finish = "window"
    logprobs = _logprobs(text, request.top_logprobs, dice) if request.logprobs else ()
    return SimReply(text, (), finish, stop, count(text), reasoning, logprobs)


def _said(request: SimRequest, model: Model, dice: random.Random) -> str:
    if request.form == "json_schema" and request.schema is not None:
        return json.dumps(Conformer(request.schema, dice, request.last_user).value(), ensure_ascii=False)
    if request.form != "text":
        return json.dumps({"simulated": True, "model": model.id, "answer": _quote(request.last_user)})
    return f"[simulated {model.id}] {_prose(request, dice)}"


def _prose(request: SimRequest, dice: random.Random) -> str:
    if request.turns and request.turns[-1].role == "tool":
        last = request.turns[-1]
        return f"{last.tool_name or 'The tool'} answered: {_quote(last.text, 240)}"
    asked = f"{request.system}\n{request.last_user}"
    if re.search(r"\bsummar|\btl;?dr\b", asked, re.IGNORECASE):
        return _summary(request)
    if label := _label(asked, request.last_user, dice):
        return label
    remarks = dice.sample(_REMARKS, dice.randint(1, 3))
    return " ".join([f"You wrote: “{_quote(request.last_user)}”.", *remarks])


def _summary(request: SimRequest) -> str:
    longest = max((turn.text for turn in request.turns), key=len, default="")
    sentences = [
        part for part in _SENTENCE.split(" ".join(longest.split())) if not re.match(r"summari|tl;?dr", part, re.I)
    ]
    return " ".join(sentences[:3])[:600] or "There is nothing to summarise."


def _label(asked: str, said: str, dice: random.Random) -> str | None:
    """A label out of a list of labels that the prompt spells out, or ``None`` where it spells out none."""
    if not (found := _OPTIONS.search(asked)):
        return None
    options = [part.strip(" .`'\"*-") for part in re.split(r",|\||/|;|\bor\b|\band\b", found.group(1))]
    options = [option for option in options if 0 < len(option) <= 40]
    if len(options) < 2:
        return None
    rest = said.replace(found.group(0), " ")
    return mentioned(options, rest, options) or dice.choice(options)


def _quote(text: str, most: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _called(request: SimRequest) -> str | None:
    """The name of the tool to call, or ``None`` for text."""
    if not request.tools or request.tool_choice == "none":
        return None
    best = max(request.tools, key=lambda tool: _fit(tool.name, tool.description, request.last_user))
    if request.tool_choice == "required":
        return request.tool_name or best.name
    if request.turns[-1].role != "user" or _fit(best.name, best.description, request.last_user) < 2:
        return None
    return best.name


def _fit(name: str, description: str, said: str) -> int:
    """How plainly ``said`` asks for the tool; 2 is enough."""
    heard = set(re.findall(r"[a-z]+", said.lower()))
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    telling = set(re.findall(r"[a-z]{4,}", spaced.lower().replace("_", " "))) - _DULL
    described = set(re.findall(r"[a-z]{5,}", description.lower())) - _DULL - telling
    return 9 * (name.lower() in said.lower()) + 2 * len(telling & heard) + len(described & heard)


def _ended(text: str, request: SimRequest, allowance: int) -> tuple[str, Finish, str | None]:
    """``text`` as it ends: at a stop sequence, at the allowance, or by itself."""
    body = text.find("] ") + 2 if request.form == "text" else 0
    found = [(at, stop) for stop in request.stop if stop and (at := text.find(stop, body)) >= 0]
    if found:
        at, stop = min(found)
        return text[:at], "stop_sequence", stop
    if count(text) > allowance:
        return cut(text, allowance), "length", None
    return text, "stop", None


def _logprobs(text: str, top: int, dice: random.Random) -> tuple[TokenLogprob, ...]:
    drawn = []
    for token in pieces(text):
        logprob = -round(dice.expovariate(4.0), 6)
        others: list[tuple[str, Any]] = [(token, logprob)]
        for rank in range(1, top):
            others.append((f" alt{rank}", round(others[-1][1] - dice.expovariate(1.0) - 0.01, 6)))
        drawn.append(TokenLogprob(token, logprob, tuple(others[:top])))
    return tuple(drawn)
