"""One provider call from request to response: who asks, which model, what goes wrong, what is said, how fast."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from signalbox.contracts.adapters import Usage
from signalbox.pricing.table import UnknownPrice, load_prices
from workbench.simulator.brain import answer
from workbench.simulator.cache import PromptCache
from workbench.simulator.exchange import Exchange, Refusal, SimReply, SimRequest, part_tokens
from workbench.simulator.faults import Fault, FaultBook
from workbench.simulator.journal import Entry, Journal, markers, now
from workbench.simulator.limits import Limits, LimitState
from workbench.simulator.models import Model, Provider
from workbench.simulator.parts import Part, part_of
from workbench.simulator.responses import PacedResponse, ResetResponse, TruncatedResponse
from workbench.simulator.schema import UnsupportedSchema
from workbench.simulator.wire import Wire, anthropic, bedrock, gemini, openai

WIRES: dict[Provider, Wire] = {"anthropic": anthropic, "openai": openai, "gemini": gemini, "bedrock": bedrock}
STREAMS: dict[Provider, Callable[[Exchange], Iterator[bytes]]] = {
    "anthropic": anthropic.stream,
    "openai": openai.stream,
}


class ProviderDesk:
    """Answers provider calls. ``speed`` scales the models' own waiting: 1 is their pace, 0 is none at all."""

    def __init__(self, models: list[Model], speed: float) -> None:
        self.models = models
        self.faults = FaultBook()
        self.journal = Journal()
        self.in_flight = 0  # calls that came and are not answered yet
        self._speed = speed
        self._known = {(model.provider, model.id): model for model in models}
        self._limits = Limits()
        self._cache = PromptCache()

    async def serve(self, provider: Provider, request: Request, model_id: str | None = None) -> Response:
        """The response to one call. ``model_id`` is given where the wire has it in the path, not in the body."""
        call = _Call(self, provider, request, model_id, Entry(now(), request.method, request.url.path, provider))
        started_s = time.perf_counter()
        self.in_flight += 1
        try:
            response = await call.response()
        finally:
            self.in_flight -= 1
        call.entry.status = 0 if isinstance(response, ResetResponse) else response.status_code
        call.entry.latency_ms = round((time.perf_counter() - started_s) * 1000, 3)
        self.journal.add(call.entry)
        return response

    def model(self, provider: Provider, model_id: str) -> Model | None:
        """The model with this id; Bedrock's may be an ARN that ends in it."""
        return self._known.get((provider, model_id)) or self._known.get((provider, model_id.rpartition("/")[2]))

    def admit(self, wire: Wire, model: Model, tokens: int) -> LimitState:
        """Count the call against the model's rate limits. Raises ``_Limited`` where they are used up."""
        state = self._limits.take(model, tokens)
        if state.over:
            raise _Limited(wire.rate_limited(model, state), state)
        return state

    def cached(self, model: Model, request: SimRequest, tokens: list[int]) -> tuple[int, int]:
        """Input tokens read from the prompt cache, and newly written to it."""
        return self._cache.use(model, request, tokens)

    async def wait(self, milliseconds: float) -> None:
        """Wait at the simulator's speed."""
        if self._speed and milliseconds:
            await asyncio.sleep(milliseconds * self._speed / 1000)


class _Limited(Exception):
    def __init__(self, refusal: Refusal, state: LimitState) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.state = state


class _Call:
    """One call while it is being answered."""

    def __init__(
        self, desk: ProviderDesk, provider: Provider, request: Request, model_id: str | None, entry: Entry
    ) -> None:
        self.entry = entry
        self._desk = desk
        self._provider = provider
        self._wire = WIRES[provider]
        self._request = request
        self._model_id = model_id
        self._id = self._wire.new_request_id()

    async def response(self) -> Response:
        try:
            return await self._answered()
        except _Limited as limited:
            return self._refused(limited.refusal, limited.state)
        except UnsupportedSchema as error:
            return self._refused(self._wire.unsupported_schema(str(error)))
        except Refusal as refusal:
            return self._refused(refusal)

    async def _answered(self) -> Response:
        started_s = time.perf_counter()
        self._wire.check_key(self._request.headers)
        body = await self._body()
        model = self._model(body)
        asked = self._parsed(body, model)
        self.entry.part = part_of(asked)
        fault = await self._fault(model, self.entry.part)
        tokens = part_tokens(asked, model)
        total = self.entry.input_tokens = sum(tokens)
        self._wire.check_window(asked, model, total)
        state = self._desk.admit(self._wire, model, total)
        reply = answer(asked, model, max(1, model.window_tokens - total), fault.mood if fault else None)
        cached, written = self._desk.cached(model, asked, tokens)
        self.entry.cached_tokens = cached
        self.entry.output_tokens = reply.output_tokens + reply.reasoning_tokens
        self.entry.cost_microusd = _billed_microusd(model, total, cached, written, self.entry.output_tokens)
        await self._desk.wait(model.ttft_ms + (0 if asked.stream else _generation_ms(reply, model)))
        latency_ms = round((time.perf_counter() - started_s) * 1000)
        exchange = Exchange(model, asked, reply, self._id, int(time.time()), latency_ms, total, cached, written)
        return self._rendered(exchange, state, fault)

    async def _body(self) -> dict[str, Any]:
        raw = await self._request.body()
        self.entry.markers = markers(raw)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            raise self._wire.unreadable() from None
        if not isinstance(body, dict):
            raise self._wire.unreadable()
        return body

    def _parsed(self, body: dict[str, Any], model: Model) -> SimRequest:
        try:
            return self._wire.parse(body, model)
        except (AttributeError, TypeError, ValueError) as error:
            # Wires check everything but the inside of schemas, which they walk on trust.
            raise UnsupportedSchema("a malformed schema") from error

    def _model(self, body: dict[str, Any]) -> Model:
        model_id = self._model_id if self._model_id is not None else body.get("model")
        model = self._desk.model(self._provider, model_id) if isinstance(model_id, str) else None
        if model is None:
            raise self._wire.unknown_model(str(model_id))
        self.entry.model = model.id
        return model

    async def _fault(self, model: Model, part: Part) -> Fault | None:
        """The fault that strikes this call, once what comes before an answer has happened."""
        fault = self._desk.faults.take(model.provider, model.id, part)
        if fault is None:
            return None
        self.entry.fault = fault.kind
        if fault.kind == "delay":
            await asyncio.sleep(fault.delay_ms / 1000)
        elif fault.kind == "overflow":
            raise self._wire.overflow(model, model.input_limit_tokens + 1)
        elif fault.kind == "status" and fault.status is not None:
            raise self._wire.failing(fault.status, fault.retry_after_s)
        return fault

    def _refused(self, refusal: Refusal, state: LimitState | None = None) -> Response:
        body = json.dumps(self._wire.error_body(refusal, self._id)).encode()
        headers = self._wire.headers(self._id, state, refusal)
        return Response(body, refusal.status, headers, "application/json")

    def _rendered(self, exchange: Exchange, state: LimitState, fault: Fault | None) -> Response:
        headers = self._wire.headers(self._id, state, None)
        streamed = exchange.request.stream
        media_type = "text/event-stream" if streamed else "application/json"
        if streamed:
            chunks = list(STREAMS[self._provider](exchange))
        else:
            chunks = [json.dumps(self._wire.render(exchange), ensure_ascii=False).encode("utf-8", "replace")]
        body = b"".join(chunks)
        kind = fault.kind if fault else None
        if kind == "reset":
            return ResetResponse()
        if kind == "truncate":
            return TruncatedResponse(body, 200, headers, media_type)
        if kind == "malformed":
            return Response(body[: len(body) // 2], 200, headers, media_type)
        if kind == "drip" and fault:
            pause_s = fault.delay_ms / 1000
            return PacedResponse(
                [bytes([byte]) for byte in body], lambda _: asyncio.sleep(pause_s), headers, media_type
            )
        if streamed:
            step_ms = _generation_ms(exchange.reply, exchange.model) / len(chunks)
            return PacedResponse(chunks, lambda _: self._desk.wait(step_ms), headers, media_type)
        return Response(body, 200, headers, media_type)


def _generation_ms(reply: SimReply, model: Model) -> float:
    return (reply.output_tokens + reply.reasoning_tokens) / model.tokens_per_second * 1000


def _billed_microusd(model: Model, tokens: int, cached: int, written: int, output_tokens: int) -> int:
    usage = Usage(
        input_tokens=tokens, cached_input_tokens=cached, cache_write_tokens=written, output_tokens=output_tokens
    )
    try:
        return load_prices().cost_microusd(model.provider, model.id, usage)
    except UnknownPrice:
        return 0
