"""``GET /v1/openapi.json``: the document generated from the dialects' own models."""

from importlib.resources import files

from aws_lambda_powertools.event_handler import Response


def run() -> Response[str]:
    text = files("signalbox.dialects").joinpath("openapi.json").read_text(encoding="utf-8")
    return Response(200, "application/json", text)
