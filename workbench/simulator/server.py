"""The simulator as an ASGI application: four providers' paths and the simulator's own under ``/_sim``."""

import json
import time
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from workbench.simulator.exchange import Refusal
from workbench.simulator.faults import Fault
from workbench.simulator.models import Model, load_models
from workbench.simulator.provider import ProviderDesk
from workbench.simulator.responses import with_transport
from workbench.simulator.wire import openai


def create_app(models: list[Model] | None = None, speed: float = 1.0) -> ASGIApp:
    """An ASGI application that plays ``models`` (those of ``models.yaml`` by default) at ``speed``.

    ``speed`` scales all of the models' waiting; 0 answers at once. The faults ``reset`` and ``truncate`` need the
    application to be served by uvicorn.
    """
    desk = ProviderDesk(models if models is not None else load_models(), speed)
    return with_transport(Starlette(routes=[*_provider_routes(desk), *_own_routes(desk)]))


def _provider_routes(desk: ProviderDesk) -> list[Route]:
    started_s = int(time.time())

    async def messages(request: Request) -> Response:
        return await desk.serve("anthropic", request)

    async def chat_completions(request: Request) -> Response:
        return await desk.serve("openai", request)

    async def generate_content(request: Request) -> Response:
        return await desk.serve("gemini", request, request.path_params["model"])

    async def converse(request: Request) -> Response:
        return await desk.serve("bedrock", request, request.path_params["model"])

    async def models(request: Request) -> Response:
        request_id = openai.new_request_id()
        try:
            openai.check_key(request.headers)
        except Refusal as refusal:
            headers = openai.headers(request_id, None, refusal)
            return JSONResponse(openai.error_body(refusal, request_id), refusal.status, headers)
        listed = [model for model in desk.models if model.provider == "openai"]
        headers = openai.headers(request_id, None, None)
        return JSONResponse(openai.model_list(listed, started_s), headers=headers)

    return [
        Route("/v1/messages", messages, methods=["POST"]),
        Route("/v1/chat/completions", chat_completions, methods=["POST"]),
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1beta/models/{model}:generateContent", generate_content, methods=["POST"]),
        # An inference profile's ARN has slashes of its own.
        Route("/model/{model:path}/converse", converse, methods=["POST"]),
    ]


def _own_routes(desk: ProviderDesk) -> list[Route]:
    async def health(_: Request) -> Response:
        models = [model.id for model in desk.models]
        return JSONResponse({"status": "ok", "in_flight": desk.in_flight, "models": models})

    async def journal(request: Request) -> Response:
        if request.method == "DELETE":
            desk.journal.clear()
        return JSONResponse({"entries": desk.journal.listed()})

    async def faults(request: Request) -> Response:
        if request.method == "DELETE":
            desk.faults.clear()
        elif request.method == "POST":
            try:
                desk.faults.add(Fault.model_validate(json.loads(await request.body())))
            except (ValidationError, ValueError) as error:
                return JSONResponse({"error": _worded(error)}, 400)
        return JSONResponse({"faults": desk.faults.listed()})

    return [
        Route("/_sim/health", health, methods=["GET"]),
        Route("/_sim/journal", journal, methods=["GET", "DELETE"]),
        Route("/_sim/faults", faults, methods=["GET", "POST", "DELETE"]),
    ]


def _worded(error: Exception) -> Any:
    if isinstance(error, ValidationError):
        return [f"{'.'.join(str(step) for step in one['loc']) or 'fault'}: {one['msg']}" for one in error.errors()]
    return "the body is not JSON"
