"""Whether a reply gives what it owes. Pure.

A call of tools is no final reply and owes nothing yet. A refusal is one, and owes everything.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from signalbox.contracts.adapters import AdapterReply
from signalbox.contracts.plans import Violation
from signalbox.integrity.citations import cited
from signalbox.integrity.demands import Demands
from signalbox.integrity.fields import breaks
from signalbox.integrity.json_text import NotJson, cut, parse, printable, shown, strings
from signalbox.integrity.keywords import ABSENT, Break
from signalbox.integrity.schema import Unusable, prepare

MOST_VIOLATIONS = 8
_MOST_FIELDS = 5  # of them; the others are left for citations
_MOST_PATH = 120  # characters
_PLAIN = re.compile(r"[\w$@-]{1,80}+")


def check(reply: AdapterReply, demands: Demands) -> tuple[Violation, ...]:
    """What is broken, ``MOST_VIOLATIONS`` at most, the same for the same reply. Raises nothing."""
    if reply.tool_calls:
        return ()
    broken, value = _form(reply, demands) if demands.schemas else ([], None)
    said = reply.text if value is None else "\n".join(strings(value))
    fields = dict.fromkeys(broken[:_MOST_FIELDS])
    return (*fields, *islice(_sources(said, demands), MOST_VIOLATIONS - len(fields)))


def _form(reply: AdapterReply, demands: Demands) -> tuple[list[Violation], Any]:
    """The violations of form, and the value where the reply is JSON."""
    try:
        value = parse(reply.text)
    except NotJson as wrong:
        return [_not_json(reply, wrong.got)], None
    return [*_contract(value, demands), *_schema(value, demands)], value


def _contract(value: Any, demands: Demands) -> list[Violation]:
    """The policy's word: what cannot be shown to meet it does not."""
    if demands.contract is None:
        return []
    try:
        return _fields(demands.contract, value)
    except Unusable as wrong:
        return [_violation(Break((), f"a reply that the contract can be checked by: {wrong}", value))]


def _schema(value: Any, demands: Demands) -> list[Violation]:
    """The caller's own word: a schema that nothing can be checked by is no fault of the model's."""
    if demands.schema is None:
        return []
    try:
        return _fields(demands.schema, value)
    except Unusable:
        return []


def _fields(schema: dict[str, Any], value: Any) -> list[Violation]:
    return [_violation(one) for one in islice(breaks(prepare(schema), value), _MOST_FIELDS)]


def _violation(one: Break) -> Violation:
    path = _dotted(one.path)
    message = f"field_mismatch {path} expected={cut(printable(one.expected))} got={one.got}"
    if one.value is not ABSENT:
        message += f" value={shown(one.value)}"
    return Violation(kind="field_mismatch", message=message, path=path)


def _not_json(reply: AdapterReply, got: str) -> Violation:
    if reply.refusal is not None or reply.finish_reason == "content_filter":
        got = "REFUSAL"
    elif reply.finish_reason == "length" and got == "TEXT":
        got = "CUT_OFF"
    message = f"not_json $ expected=JSON got={got} value={shown(reply.text)}"
    return Violation(kind="not_json", message=message, path="$")


def _dotted(path: tuple[str | int, ...]) -> str:
    steps = [str(step) if isinstance(step, int) or _PLAIN.fullmatch(step) else shown(step) for step in path]
    whole = printable(".".join(steps)) or "$"
    return whole if len(whole) <= _MOST_PATH else f"{whole[:_MOST_PATH]}…"


def _sources(said: str, demands: Demands) -> Iterator[Violation]:
    if not demands.grounded and demands.citations == 0:
        return
    references = cited(said)
    resolved = sum(one in demands.documents for one in references)
    if resolved < demands.citations:
        message = f"citation_sources_count={resolved} expected>={demands.citations}"
        yield Violation(kind="citations", message=message)
    for one in references:
        if one not in demands.documents:
            name = printable(one) if _ID.fullmatch(one) else shown(one)
            yield Violation(kind="missing_reference", message=f"MissingReference {name}")


_ID = re.compile(r"[A-Za-z0-9._-]{1,80}+")
