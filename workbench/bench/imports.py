"""CPU that a cold start pays before its first request: a fresh process imports a handler from its package."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from workbench.build import LAYERS, Target

RUNS = 7
# What the Lambda runtime brings and our layers therefore do not.
RUNTIME_PACKAGES = ("boto3", "botocore", "jmespath", "dateutil", "s3transfer", "urllib3", "six")
HANDLERS = {
    "router": "router.app",
    "cascade": "cascade.app",
    "reconcile": "governance.reconcile.app",
    "authorizer": "authorizer.app",
    "adapter anthropic": "adapters.anthropic.app",
    "adapter openai": "adapters.openai.app",
    "adapter gemini": "adapters.gemini.app",
    "adapter bedrock": "adapters.bedrock.app",
}
BASELINES = {"bare python": "sys", "baseline: boto3 + pydantic": "boto3, pydantic"}
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "Signalbox",
    "ADAPTER_PREFIX": "bench-adapter-",
    "CALLERS_TABLE": "bench",
    "CONVERSATIONS_TABLE": "bench",
    "IDEMPOTENCY_TABLE": "bench",
    "LEDGER_TABLE": "bench",
    "COUNTERS_TABLE": "bench",
    "RECEIPTS_TABLE": "bench",
    "REPLIES_TABLE": "bench",
    "BODIES_BUCKET": "bench",
    "COLLECTIONS_BUCKET": "bench",
    "CASCADE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:bench",
    "WEBHOOK_SECRET_ARN": "bench",
    "ROSTER_MODEL": "bench",
    "PROVIDER_BASE_URL": "http://127.0.0.1:9",
    "PROVIDER_SECRET_ARN": "bench",
    "JWT_ISSUER": "",
    "JWT_AUDIENCE": "",
    "JWT_JWKS_URL": "",
    "JWT_SECRET_ARN": "",
    "JWT_USAGE_KEY": "bench",
}


@dataclass(frozen=True)
class ImportCost:
    """Medians over ``RUNS`` fresh processes; memory is the peak resident set."""

    name: str
    cpu_ms: float
    wall_ms: float
    memory_mb: float


def function_directory(target: Target) -> Path:
    """The functions' shared package as `sam build` left it."""
    return next(path for path in sorted(target.directory.iterdir()) if path.is_dir() and path.name not in LAYERS)


@contextmanager
def lambda_path(target: Target) -> Iterator[list[str]]:
    """``sys.path`` entries as Lambda orders them: the function, the layers, the runtime's packages."""
    with tempfile.TemporaryDirectory() as runtime:
        for name in RUNTIME_PACKAGES:
            spec = find_spec(name)
            if spec is None or spec.origin is None:
                continue
            origin = Path(spec.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            (Path(runtime) / source.name).symlink_to(source)
        layers = [str(target.directory / name / "python") for name in LAYERS]
        yield [str(function_directory(target)), *layers, runtime]


def import_costs(target: Target) -> list[ImportCost]:
    """Each handler, and baselines that share the machine and the moment."""
    with lambda_path(target) as path:
        return [_measure(name, module, path) for name, module in {**BASELINES, **HANDLERS}.items()]


def _measure(name: str, module: str, path: list[str]) -> ImportCost:
    code = (
        "import time; t = time.perf_counter(); c = time.process_time()\n"
        f"import {module}\n"
        "cpu, wall = time.process_time() - c, time.perf_counter() - t\n"
        "import resource, sys\n"
        "try: kb = next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
        "except OSError: kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000\n"
        "print(cpu, wall, kb)"
    )
    # -S leaves our own site-packages out: only what a Lambda sees is on the path.
    command = [sys.executable, "-S", "-c", code]
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path), "PATH": os.environ["PATH"]}
    rows = []
    for _ in range(RUNS + 1):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{module} does not import from its package:\n{done.stderr}")
        rows.append([float(word) for word in done.stdout.split()[-3:]])
    cpu, wall, memory = (statistics.median(column) for column in zip(*rows[1:], strict=True))
    return ImportCost(name, cpu * 1000, wall * 1000, memory / 1000)
