"""``signalbox decisions``: what was decided for a caller's requests and what came of it, from the stack's ledger."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, Group, RenderableType
from rich.table import Table

from signalbox.contracts.ledger import Entry
from signalbox.ledger.books import Books
from signalbox.ledger.items import entry_of
from signalbox.transport.dynamodb import DynamoDB, StoreUnavailable
from workbench.commands.keys import dynamodb
from workbench.local.stack import CALLER
from workbench.problem import Problem
from workbench.stack import Stack, StackNotFound

app = typer.Typer()


class SystemClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@app.command()
def decisions(
    request_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Everything of this one request.")] = None,
    caller: Annotated[str | None, typer.Option(help="Whose requests; on a local stack its own caller's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
    model: Annotated[
        str | None, typer.Option(help="Only those that this roster id answered or was chosen for.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As the API has them: one line each, or one document.")
    ] = False,
    stack_name: Annotated[str | None, typer.Option("--stack", help="Stack name; the local stack without one.")] = None,
    endpoint_url: Annotated[str | None, typer.Option("--endpoint-url", help="AWS endpoint, for a local stack.")] = None,
) -> None:
    """Show a caller's latest requests, or everything on record of one."""
    try:
        stack = Stack.find(stack_name, endpoint_url)
        whose = caller or (CALLER if stack.is_local else None)
        if whose is None:
            raise Problem("whose? give --caller NAME, as `signalbox keys list` shows it.")
        if request_id:
            _show_one(stack, whose, request_id, as_json)
        else:
            found = islice(listed(dynamodb(stack), stack.output("LedgerTable"), whose, model), limit)
            _show_all(list(found), whose, as_json)
    except (StackNotFound, StoreUnavailable, ClientError, BotoCoreError) as error:
        raise Problem(str(error)) from None


def listed(database: DynamoDB, table: str, caller: str, model: str | None = None) -> Iterator[Entry]:
    """The caller's entries that are not past their time, the latest first, without their text."""
    now_s = SystemClock().now_ms() // 1_000
    for item in database.query(table, "caller = :caller", {":caller": caller}, forward=False):
        if "entry" in item and item["expires_at"] > now_s and model in (None, item.get("model")):
            yield entry_of(item)


def _show_one(stack: Stack, caller: str, request_id: str, as_json: bool) -> None:
    books = Books(dynamodb(stack), stack.output("LedgerTable"), stack.output("CountersTable"), SystemClock())
    entry = books.get(caller, request_id)
    if entry is None:
        raise Problem(f"{caller} has no decision {request_id}; --caller names another one.")
    if as_json:
        typer.echo(json.dumps(entry.model_dump(mode="json"), indent=2, ensure_ascii=False))
    else:
        _console().print(told(entry))


def _show_all(entries: list[Entry], caller: str, as_json: bool) -> None:
    if as_json:
        for entry in entries:
            typer.echo(entry.model_dump_json())
        return
    if not entries:
        typer.echo(f"Nothing on record of {caller}.")
        return
    table = _table("at", "id", "status", "route", "model", "micro-USD", "ms")
    for entry in entries:
        chosen = entry.decision
        table.add_row(
            _at(entry.opened_at_ms),
            entry.request_id,
            _ended(entry),
            chosen.route if chosen else "-",
            _models(entry),
            str(entry.booked_microusd),
            str(entry.latency_ms if entry.latency_ms is not None else "-"),
        )
    _console().print(table)


def told(entry: Entry) -> RenderableType:
    """Everything of one entry, for people."""
    facts = _table("", "", header=False)
    for name, value in _facts(entry):
        facts.add_row(name, value)
    parts: list[RenderableType] = [facts]
    if decision := entry.decision:
        parts += ["", _hops(entry), *(f"not {one.model}: {one.reason}, {one.detail}" for one in decision.rejected)]
    if entry.attempts:
        parts += ["", _attempts(entry)]
    if entry.steps:
        parts += ["", _steps(entry)]
    if entry.holds:
        parts += ["", _holds(entry)]
    parts += [f"\n{name}: {text}" for name in ("prompt", "reply") if (text := getattr(entry, name)) is not None]
    return Group(*parts)


def _facts(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "request", f"{entry.request_id}, {entry.path}, {_at(entry.opened_at_ms)}"
    yield "caller", f"{entry.caller}, key {entry.key_id}" if entry.key_id else entry.caller
    yield "ended", _ended(entry) + (f" after {entry.latency_ms} ms" if entry.latency_ms is not None else "")
    if entry.conversation_id:
        yield "conversation", entry.conversation_id
    if replay := entry.replay:
        yield "replayed", f"by {replay.by}: the reply of {replay.request_id}, {replay.age_s} s old"
    if entry.resolution:
        sure = f", confidence {entry.confidence:.3f}" if entry.confidence is not None else ""
        yield "resolution", entry.resolution + sure
    yield "money", f"{entry.booked_microusd} micro-USD booked, {entry.reserved_microusd} reserved at worst"
    if decision := entry.decision:
        yield "decided", "; ".join(decision.reasons)
        yield "policy", decision.policy_version
        seen = decision.signals
        about = "" if seen.tokens.exact else "about "
        yield (
            "signals",
            f"{about}{seen.tokens.value} tokens, {seen.convo_length} turns, {seen.complexity}, "
            f"confidence {seen.confidence:g}, entropy {seen.entropy:.2f}",
        )


def _hops(entry: Entry) -> Table:
    table = _table("may be asked", "input tokens", "output at most", "worst micro-USD")
    for hop in entry.decision.hops if entry.decision else ():
        row = (hop.input_tokens, hop.max_output_tokens, hop.worst_cost_microusd)
        notes = [note for note in (hop.step if hop.step != "answer" else "", "probe" if hop.probe else "") if note]
        table.add_row(hop.model + (f" ({', '.join(notes)})" if notes else ""), *map(str, row))
    return table


def _attempts(entry: Entry) -> Table:
    table = _table("was asked", "came of it", "tokens in", "out", "micro-USD", "ms", "provider's id")
    for one in entry.attempts:
        came = f"{one.failure}: {one.message}" if one.failure else (one.model_version or "a reply")
        usage = one.usage
        row = (usage.input_tokens, usage.output_tokens, one.cost_microusd, one.latency_ms)
        table.add_row(one.model, came, *map(str, row), one.provider_request_id or "-")
    return table


def _steps(entry: Entry) -> Table:
    table = _table("step", "came of it", "broken", "micro-USD")
    for one in entry.steps:
        sure = f", confidence {one.confidence:.3f}" if one.confidence is not None else ""
        came = one.error or one.verdict or one.resolution or "-"
        table.add_row(one.step, came + sure, ", ".join(one.violations) or "-", str(one.spent_microusd))
    return table


def _holds(entry: Entry) -> Table:
    table = _table("was held", "amount", "limit", "resets")
    for hold in entry.holds:
        resets = _at(hold.resets_at_ms) if hold.resets_at_ms is not None else "-"
        table.add_row(hold.label, str(hold.amount), str(hold.limit), resets)
    return table


def _ended(entry: Entry) -> str:
    if entry.state != "settled":
        return entry.state
    return f"{entry.status} {entry.error}" if entry.error else str(entry.status or "settled")


def _models(entry: Entry) -> str:
    """Those that were asked, in their order; else the one that would have been, or why none was."""
    if entry.replay:
        return f"({entry.replay.by})"
    chosen = entry.decision.model if entry.decision else None
    return " > ".join(one.model for one in entry.attempts) or chosen or "-"


def _at(unix_ms: int) -> str:
    return datetime.fromtimestamp(unix_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _table(*columns: str, header: bool = True) -> Table:
    return Table(*columns, box=None, pad_edge=False, show_header=header)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 160, markup=False, highlight=False)
