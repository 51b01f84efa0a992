"""The HTTP API: one line per operation, errors mapped in one place."""

import gc

# Loading throws nothing away: looking for garbage meanwhile is a tenth of the cold start.
gc.disable()

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from router.incoming import request_id
from router.operations import (
    chat_completions,
    conversations,
    decisions,
    health,
    infer,
    metrics,
    models,
    openapi,
    replies,
    route,
)
from router.record import record_refusal
from router.respond import failed
from router.warm import warm
from signalbox.contracts.errors import NotFound

logger = Logger()
app = APIGatewayRestResolver(debug=False)

app.post("/v1/chat/completions")(lambda: chat_completions.run(app.current_event))
app.post("/v1/infer")(lambda: infer.run(app.current_event))
app.post("/v1/chat")(lambda: infer.run(app.current_event))
app.post("/v1/route")(lambda: route.run(app.current_event))
app.post("/v1/metrics")(lambda: metrics.run(app.current_event))
app.get("/v1/decisions/<id>")(lambda id: decisions.run(app.current_event, id))  # noqa: A006 the path's name
app.get("/v1/replies/<id>")(lambda id: replies.run(app.current_event, id))  # noqa: A006
app.get("/v1/conversations/<id>")(lambda id: conversations.read(app.current_event, id))  # noqa: A006
app.delete("/v1/conversations/<id>")(lambda id: conversations.erase(app.current_event, id))  # noqa: A006
app.get("/v1/models")(lambda: models.run(app.current_event))
app.get("/v1/models/<model>")(lambda model: models.run_one(app.current_event, model))
app.get("/v1/health")(lambda: health.run(app.current_event))
app.get("/v1/openapi.json")(openapi.run)


def on_error(error: Exception) -> Response[str]:
    minted = request_id(app.current_event)
    record_refusal(minted, error)
    return failed(error, minted)


def on_unknown_path(_: Exception) -> Response[str]:
    return on_error(NotFound("unknown_path", "There is no such path or method here; see /v1/openapi.json."))


app.exception_handler(Exception)(on_error)
app.not_found(on_unknown_path)


@logger.inject_lambda_context(log_event=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)


warm()
gc.freeze()  # what is loaded stays
gc.enable()
