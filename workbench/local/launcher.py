"""Starts MiniStack 1.5.33 with the few patches that make it behave as AWS does where Signalbox looks.

Runs inside `.venvs/ministack`, not in the product's environment. Every patch asserts the code it
changes, so that another version fails at once instead of behaving in a third way. Its standard input
is a leash: when whoever started it dies, the pipe closes and MiniStack stops.
"""

# mypy: ignore-errors

import contextvars
import hashlib
import inspect
import io
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import types
import zipfile
from importlib.metadata import version
from pathlib import Path

from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import apigateway_v1, cloudwatch, lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners

assert version("ministack") == "1.5.33", "the patches are for MiniStack 1.5.33; check each against the new version"


def wrap(module, name):
    """Replaces ``module.name`` by the decorated function, which gets the original first."""
    original = getattr(module, name)

    def decorate(function):
        setattr(module, name, lambda *args, **kwargs: function(original, *args, **kwargs))
        return function

    return decorate


# --- Lambda: a handler's exception keeps its class name, and its process lives on -----------------
_LOST = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_KEPT = (
    '{"status": "ok", "result": {"_raised": {"errorMessage": str(e), "errorType": type(e).__name__, '
    '"requestId": context.aws_request_id, "stackTrace": traceback.format_tb(e.__traceback__)}}}'
)
assert lambda_runtime._PYTHON_WORKER_SCRIPT.count(_LOST) == 1
lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(_LOST, _KEPT)


@wrap(lambda_svc, "_execute_function_warm")
def with_exception_name(execute, func, event, request_id):
    result = execute(func, event, request_id)
    body = result.get("body")
    if isinstance(body, dict) and "_raised" in body:
        return {"body": body["_raised"], "error": True, "function_error": "Unhandled", "log": result.get("log", "")}
    return result


# --- Lambda: the function's own code comes before its layers on sys.path ---------------------------
_PATH_DONE = "    # After sys.path is complete"
assert lambda_runtime._PYTHON_WORKER_SCRIPT.count(_PATH_DONE) == 1
lambda_runtime._PYTHON_WORKER_SCRIPT = lambda_runtime._PYTHON_WORKER_SCRIPT.replace(
    _PATH_DONE, "    sys.path.remove(code_dir); sys.path.insert(0, code_dir)\n" + _PATH_DONE
)


# --- Lambda: a layer is unpacked once, not once for every process that runs a function -------------
_unpacked = {}
_unpacking = threading.Lock()


@wrap(lambda_svc, "_resolve_layer_zip")
def pointer_to_unpacked(resolve, layer):
    """A zip that holds nothing but the path of the unpacked layer."""
    content = resolve(layer)
    if not content:
        return content
    with _unpacking:
        digest = hashlib.sha256(content).hexdigest()
        if digest not in _unpacked:
            _unpacked[digest] = tempfile.mkdtemp(prefix="layer-")
            zipfile.ZipFile(io.BytesIO(content)).extractall(_unpacked[digest])
    pointer = io.BytesIO()
    with zipfile.ZipFile(pointer, "w") as archive:
        archive.writestr(_POINTER, _unpacked[digest])
    return pointer.getvalue()


_POINTER = ".unpacked-at"


class SharedZipFile(zipfile.ZipFile):
    """Unpacks a pointer as a link to what it points at."""

    def extractall(self, path=None, members=None, pwd=None):
        if self.namelist() != [_POINTER]:
            super().extractall(path, members, pwd)
            return
        Path(path).rmdir()
        Path(path).symlink_to(self.read(_POINTER).decode())


assert "lzf.extractall(layer_dir)" in inspect.getsource(lambda_runtime)
lambda_runtime.zipfile = types.SimpleNamespace(**{**vars(zipfile), "ZipFile": SharedZipFile})


# --- Lambda: no 50 ms wait for the log of an invocation that wrote none ----------------------------
@wrap(lambda_runtime.Worker, "_drain_stderr_bounded")
def drained_soon(drain, self, first_line_wait=0.003, idle_confirm=0.002, hard_cap=0.25):
    return drain(self, first_line_wait, idle_confirm, hard_cap)


# --- Lambda: CloudFormation's ReservedConcurrentExecutions holds ----------------------------------
def keep_reserved_concurrency(name, properties):
    reserved = properties.get("ReservedConcurrentExecutions")
    lambda_svc._functions[name]["concurrency"] = None if reserved is None else int(reserved)


_function = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
_create, _update = _function["create"], _function["update"]


def create_function(logical_id, properties, stack):
    created = _create(logical_id, properties, stack)
    keep_reserved_concurrency(created[0], properties)
    return created


def update_function(physical_id, old, new, *args, **kwargs):
    updated = _update(physical_id, old, new, *args, **kwargs)
    keep_reserved_concurrency(physical_id, new)
    return updated


_function["create"], _function["update"] = create_function, update_function


# --- Step Functions: a task's TimeoutSeconds may be a JSONata expression ----------------------------
_task = inspect.getsource(stepfunctions._execute_task)
assert 'resource, effective, state_def["TimeoutSeconds"])' in _task


@wrap(stepfunctions, "_execute_task")
def with_timeout(execute, state_def, raw_input, execution, ctx):
    if isinstance(state_def.get("TimeoutSeconds"), str):
        seconds = stepfunctions._jsonata_state_field(state_def, "TimeoutSeconds", "number", raw_input, ctx)
        assert seconds > 0, f"TimeoutSeconds is {seconds}"
        state_def = {**state_def, "TimeoutSeconds": seconds}
    return execute(state_def, raw_input, execution, ctx)


# --- Step Functions: retries wait for MaxDelaySeconds at most, and with JitterStrategy -------------
assert "sleep_sec = interval * (backoff ** count)" in _task


@wrap(stepfunctions, "_find_matching_retrier")
def with_bounded_wait(find, retriers, error, retry_counts):
    """The retrier, with its next wait for an interval that backs off no further."""
    retrier, index = find(retriers, error, retry_counts)
    if retrier is None:
        return retrier, index
    grown = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retry_counts.get(index, 0)
    wait = min(grown, retrier.get("MaxDelaySeconds", grown))
    if retrier.get("JitterStrategy") == "FULL":
        wait = random.uniform(0, wait)  # noqa: S311 no secret
    return {**retrier, "IntervalSeconds": wait, "BackoffRate": 1.0}, index


# --- Step Functions: an execution begins at once, not after 150 ms ----------------------------------
assert inspect.getsource(stepfunctions._run_execution).count("time.sleep(0.15)") == 1
stepfunctions.time = types.SimpleNamespace(
    **{**vars(time), "sleep": lambda seconds: None if seconds == 0.15 else time.sleep(seconds)}
)


# --- CloudWatch: metrics in log lines (EMF) become metrics -----------------------------------------
@wrap(lambda_svc, "_emit_lambda_logs")
def with_metrics(emit, func, request_id, log_text, *args, **kwargs):
    emit(func, request_id, log_text, *args, **kwargs)
    for line in (log_text or "").splitlines():
        if '"_aws"' in line and line.lstrip().startswith("{"):
            record_metrics(json.loads(line))


def record_metrics(blob):
    for directive in blob["_aws"]["CloudWatchMetrics"]:
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(blob[name]) for name in names}
            for metric in directive["Metrics"]:
                values = blob[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    cloudwatch.record_metric(directive["Namespace"], metric["Name"], float(value), unit, dimensions)
    cloudwatch._evaluate_all_alarms()


# --- API Gateway: gateway responses of the OpenAPI body --------------------------------------------
@wrap(apigateway_v1, "_import_security_schemes")
def with_gateway_responses(import_schemes, api_id, spec):
    for kind, given in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
        wanted = {name: given[name] for name in ("responseParameters", "responseTemplates") if name in given}
        if given.get("statusCode"):
            wanted["statusCode"] = str(given["statusCode"])
        status, _, body = apigateway_v1._put_gateway_response(api_id, kind, wanted)
        assert status == 201, f"{kind}: {body!r}"
    return import_schemes(api_id, spec)


# --- API Gateway: ApiKeySourceType AUTHORIZER ------------------------------------------------------
_usage_key = contextvars.ContextVar("usage_key", default=None)
_authorize = apigateway_v1._invoke_authorizer_lambda


async def remember_usage_key(authorizer, *args):
    result = await _authorize(authorizer, *args)
    body = (result or {}).get("body")
    _usage_key.set(body.get("usageIdentifierKey") if isinstance(body, dict) else None)
    return result


apigateway_v1._invoke_authorizer_lambda = remember_usage_key


@wrap(apigateway_v1, "_api_key_from_request")
def key_from_authorizer(from_header, headers):
    return _usage_key.get() or from_header(headers)


# --- IAM: the loopback stands for TLS, so that a policy which demands TLS lets requests in ----------
assert "ministack.app" not in sys.modules, "it would keep the original"


@wrap(iam_evaluator, "pin_request_origin")
def as_if_by_tls(pin, source_ip, _secure_transport):
    pin(source_ip, True)


def stop_when_stdin_closes():
    def watch():
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    from ministack.app import main

    stop_when_stdin_closes()
    main()
