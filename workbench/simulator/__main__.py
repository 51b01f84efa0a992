"""``python -m workbench.simulator --port N [--speed F] [--models FILE]``: runs until SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from workbench.simulator.models import DEFAULT_MODELS, load_models
from workbench.simulator.server import create_app
from workbench.simulator.serving import HOST, Server, bound


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. Returns the exit code."""
    asked = _arguments(arguments)
    try:
        models = load_models(asked.models)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        print(f"simulator: cannot read the models in {asked.models}: {error}", file=sys.stderr)
        return 1
    try:
        listener = bound(asked.port)
    except OSError as error:
        print(f"simulator: cannot listen on {HOST}:{asked.port}: {error.strerror}", file=sys.stderr)
        return 1
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    # uvicorn raises the signal that stopped it once more when it is done; that is our way out.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    Server(create_app(models, asked.speed), lambda: print(f"simulator: listening on {url}", flush=True)).run([listener])
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m workbench.simulator", description="A stand-in for model providers."
    )
    parser.add_argument("--port", type=int, required=True, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--speed", type=_speed, default=1.0, help="scales all waiting; 0 waits for nothing (default 1)")
    parser.add_argument(
        "--models", type=Path, default=DEFAULT_MODELS, help="a models file instead of the simulator's own"
    )
    return parser.parse_args(arguments)


def _speed(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
