"""``signalbox replay``: real customer traffic through the `openai` SDK against a running stack."""

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import openai
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from workbench.paths import LOCAL_FILE, ROOT
from workbench.problem import Problem

app = typer.Typer()
console = Console(width=None if Console().is_terminal else 140)
TRAFFIC = ROOT.parent / "shared" / "data" / "traffic"


@dataclass(frozen=True)
class Answered:
    """One call: the route and model that took it, or the error it ended in."""

    kind: str
    route: str
    model: str
    cost_microusd: int
    latency_ms: float
    error: str = ""


@app.command()
def replay(
    turns: Annotated[int, typer.Option(help="Single customer turns")] = 200,
    dialogues: Annotated[int, typer.Option(help="Whole dialogues, the history resent as chat clients do")] = 50,
    data: Annotated[Path, typer.Option(help="Folder with the two .jsonl.gz files")] = TRAFFIC,
    concurrency: Annotated[int, typer.Option(help="Calls at a time")] = 4,
) -> None:
    """Send the traffic, then print how it split by route and model. Exit code 1 when a call failed."""
    if not LOCAL_FILE.exists():
        raise Problem("no stack is running here: start one with `make run`")
    local = json.loads(LOCAL_FILE.read_text())
    # A replay of thousands meets the policy's limits a minute; the SDK waits as long as Retry-After says.
    client = openai.OpenAI(base_url=local["base_url"], api_key=local["api_key"], max_retries=3, timeout=60)
    calls = [*islice(_turns(data), turns), *islice(_dialogues(data), dialogues)]
    with ThreadPoolExecutor(concurrency) as pool:
        results = list(track(pool.map(lambda call: _ask(client, *call), calls), "Replaying", len(calls)))
    _report(results)
    if any(one.error for one in results):
        raise typer.Exit(1)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        raise Problem(f"{path} is not there; --data names the folder that holds it")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _turns(data: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for conversation in _lines(data / "multidogo_conversations.jsonl.gz"):
        for turn in conversation["customer_turns"]:
            yield "turn", [{"role": "user", "content": turn}]


def _dialogues(data: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Each dialogue up to its last customer turn, so that the assistant is the one to speak."""
    for dialogue in _lines(data / "sgd_dialogues.jsonl.gz"):
        messages = dialogue["turns"]
        while messages and messages[-1]["role"] != "user":
            messages = messages[:-1]
        yield "dialogue", messages


def _ask(client: openai.OpenAI, kind: str, messages: list[Any]) -> Answered:
    started = time.perf_counter()
    try:
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=messages, max_tokens=256)
        raw.parse()
    except openai.OpenAIError as error:
        return Answered(kind, "error", "-", 0, 0, f"{type(error).__name__}: {error}"[:200])
    headers = raw.headers
    return Answered(
        kind,
        headers["x-signalbox-route"],
        headers["x-signalbox-model"],
        int(headers["x-signalbox-cost-microusd"]),
        (time.perf_counter() - started) * 1000,
    )


def _report(results: list[Answered]) -> None:
    table = Table("traffic", "route", "model", "calls", "share", "mean cost, micro-USD", "p50 ms", title="Replayed")
    for (kind, route, model), count in Counter((r.kind, r.route, r.model) for r in results).most_common():
        rows = [r for r in results if (r.kind, r.route, r.model) == (kind, route, model)]
        cost = sum(row.cost_microusd for row in rows) / count
        middle = sorted(row.latency_ms for row in rows)[count // 2]
        share = f"{count / len(results):.0%}"
        table.add_row(kind, route, model, str(count), share, f"{cost:.0f}", f"{middle:.0f}")
    console.print(table)
    errors = [row.error for row in results if row.error]
    console.print(f"{len(results)} calls, {len(errors)} errors")
    for error in errors[:5]:
        console.print(f"  {error}")
