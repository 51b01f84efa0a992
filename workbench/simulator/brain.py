"""The answer: short, sensible, and the same for the same request in the same mood.

Text begins with ``[simulated MODEL]``. A tool is called when the request demands one, or when it offers tools, the last
turn is the user's, and that turn says a tool's name, a telling word of the name (``weather`` of ``get_weather``) or two
telling words of its description. JSON conforms to the schema. Reasoning takes at most half of the output allowance.
Passages in the prompt are cited. A verifier confirms, a chooser picks the first, a self-check says yes; moods say
otherwise.
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any

from workbench.simulator.exchange import Call, Finish, SimReply, SimRequest
from workbench.simulator.models import Model
from workbench.simulator.moods import DECLINED, HEDGE, UNKNOWN_DOCUMENT, Mood, broken
from workbench.simulator.odds import logprobs
from workbench.simulator.parts import citable, instructions, part_of, question, uncited, wanted_schema
from workbench.simulator.review import reviewed
from workbench.simulator.schema import Conformer, mentioned
from workbench.simulator.tokens import count, cut

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


def answer(request: SimRequest, model: Model, room_tokens: int, mood: Mood | None = None) -> SimReply:
    """The reply to ``request`` within ``room_tokens`` of output. Raises ``UnsupportedSchema``."""
    dice = request.dice()
    allowance = min(room_tokens, request.max_output_tokens or model.output_cap_tokens, model.output_cap_tokens)
    reasoning = min(dice.choice((64, 128, 192, 256)), allowance // 2) if request.thinks else 0
    if mood == "refuse":
        said = cut(DECLINED, allowance - reasoning)
        return SimReply(said, finish="refusal", output_tokens=count(said), reasoning_tokens=reasoning)
    if tool_name := _called(request):
        tool = next(tool for tool in request.tools if tool.name == tool_name)
        arguments = _arguments(request, tool.parameters or {"type": "object"}, model, dice, mood)
        spent = count(tool_name) + count(json.dumps(arguments))
        return SimReply(
            calls=(Call(tool_name, arguments),), finish="tool", output_tokens=spent, reasoning_tokens=reasoning
        )
    text, finish, stop = _ended(_said(request, model, dice, mood), request, allowance - reasoning)
    if finish == "length" and allowance == room_tokens:
        finish = "window"
    shown = logprobs(text, request.top_logprobs, dice, sure=mood != "unsure") if request.logprobs else ()
    return SimReply(text, (), finish, stop, count(text), reasoning, shown)


def _said(request: SimRequest, model: Model, dice: random.Random, mood: Mood | None) -> str:
    part = part_of(request)
    if part == "self_check":
        return "no" if mood == "unsure" else "yes"
    if part == "answer" and request.form == "text":
        return _own_words(request, model, dice, mood)
    return json.dumps(_value(request, request.schema, model, dice, mood), ensure_ascii=False)


def _arguments(
    request: SimRequest, schema: Mapping[str, Any], model: Model, dice: random.Random, mood: Mood | None
) -> dict[str, Any]:
    """What a tool is called with. One that must be called may be a provider's way to hold a reply to a schema."""
    if wanted_schema(request) is None:
        return Conformer(schema, dice, request.last_user).value()  # type: ignore[no-any-return]
    return _value(request, schema, model, dice, mood)  # type: ignore[no-any-return]


def _value(
    request: SimRequest, schema: Mapping[str, Any] | None, model: Model, dice: random.Random, mood: Mood | None
) -> Any:
    """The JSON value asked for."""
    around, value = _around(request, mood), None
    if (part := part_of(request)) in ("verify", "rerank"):
        value = reviewed(request, part, model.id, _own_words(request, model, dice, None), mood)
    elif schema is not None:
        value = Conformer(schema, dice, uncited(request.last_user), around).value()
    else:
        said = _quote(request.last_user).join(around)
        value = {"simulated": True, "model": model.id, "answer": said}
    return broken(value) if mood == "break_contract" else value


def _own_words(request: SimRequest, model: Model, dice: random.Random, mood: Mood | None) -> str:
    before, after = _around(request, mood)
    return f"[simulated {model.id}] {before}{_prose(request, dice)}{after}"


def _around(request: SimRequest, mood: Mood | None) -> tuple[str, str]:
    """What a mood puts before a text, and the citations behind it."""
    cited = citable(request)
    if mood == "wrong_citation":
        cited = (UNKNOWN_DOCUMENT,)
    elif mood == "uncited":
        cited = ()
    return HEDGE if mood == "unsure" else "", "".join(f" [doc:{name}]" for name in cited)


def _prose(request: SimRequest, dice: random.Random) -> str:
    if request.turns and request.turns[-1].role == "tool":
        last = request.turns[-1]
        return f"{last.tool_name or 'The tool'} answered: {_quote(last.text, 240)}"
    asked = f"{instructions(request)}\n{question(request)}"
    if re.search(r"\bsummar|\btl;?dr\b", asked, re.IGNORECASE):
        return _summary(request)
    if label := _label(asked, question(request), dice):
        return label
    remarks = dice.sample(_REMARKS, dice.randint(1, 3))
    return " ".join([f"You wrote: “{_quote(question(request))}”.", *remarks])


def _summary(request: SimRequest) -> str:
    longest = max((turn.text for turn in request.turns), key=len, default="")
    sentences = [
        part for part in _SENTENCE.split(" ".join(longest.split())) if not re.match(r"summari|tl;?dr", part, re.I)
    ]
    return uncited(" ".join(sentences[:3]))[:600] or "There is nothing to summarise."


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
    flat = " ".join(uncited(text).split())
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
