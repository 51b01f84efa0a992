"""``signalbox explain``: which model a policy would choose for a request, and why. Offline."""

import json
import sys
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from signalbox.contracts.errors import SignalboxError
from signalbox.contracts.requests import InferenceRequest
from signalbox.contracts.runtime import Runtime
from signalbox.decision.decide import decide
from signalbox.decision.refusal import refusal
from signalbox.decision.render import as_json
from signalbox.dialects.body import read_json
from signalbox.dialects.either import parse_either
from signalbox.policy.load import PolicyInvalid, load_file, load_resource
from signalbox.policy.resolved import Policy
from signalbox.pricing.table import load_prices
from signalbox.quotas.holds import holds
from signalbox.signals.extract import extract

app = typer.Typer()


@app.command()
def explain(
    request: Annotated[Path, typer.Option(help="A request body, an API Gateway event, or - for stdin")],
    policy: Annotated[Path | None, typer.Option(help="A policy file; the shipped one without it")] = None,
    now: Annotated[str | None, typer.Option(help="ISO 8601; decides what has retired, and the hour")] = None,
    path: Annotated[str | None, typer.Option(help="The API path, e.g. /v1/chat")] = None,
    tier: Annotated[str, typer.Option(help="The caller's tier")] = "standard",
    caller: Annotated[str, typer.Option(help="Whose limits and budgets it would hold a part of")] = "explain",
) -> None:
    """Print the decision as JSON, with what it would hold of each limit and budget.

    A request that nobody may answer has "model": null and an "error".
    """
    try:
        known = load_file(policy) if policy else load_resource()
        parsed = _request(_read(request), known, path, tier, caller)
        print(json.dumps(_explained(parsed, known, _moment(now)), indent=2, ensure_ascii=False))
    except PolicyInvalid as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        raise typer.Exit(1) from error
    except SignalboxError as error:
        print(f"{error.code}: {error.message}" + (f" ({error.param})" if error.param else ""), file=sys.stderr)
        raise typer.Exit(1) from error
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        raise typer.Exit(1) from error


def _read(source: Path) -> bytes:
    return sys.stdin.buffer.read() if str(source) == "-" else source.read_bytes()


def _moment(now: str | None) -> datetime:
    if now is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(now)
    except ValueError as error:
        raise typer.BadParameter(f"{now} is not ISO 8601", param_hint="--now") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _request(raw: bytes, policy: Policy, path: str | None, tier: str, caller: str) -> InferenceRequest:
    body = read_json(raw, "application/json", None)
    if "httpMethod" in body and "body" in body:
        path = path or str(body.get("path"))
        inner = str(body["body"] or "").encode()
        body = read_json(b64decode(inner) if body.get("isBase64Encoded") else inner, "application/json", None)
    return parse_either(body, policy, request_id="explain", caller=caller, tier=tier, path=path)


def _explained(request: InferenceRequest, policy: Policy, now: datetime) -> dict[str, Any]:
    decision = decide(request, extract(request, policy, now), policy, load_prices().at(now.date()), now)
    explained = as_json(decision)
    explained["holds"] = [
        {"of": one.label, "amount": one.amount, "limit": one.limit}
        for one in holds(policy, request, decision, Runtime(), now)
    ]
    if decision.model is None:
        error = refusal(decision)
        explained["error"] = {"code": error.code, "message": error.message}
    return explained
