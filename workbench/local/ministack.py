"""MiniStack, AWS's services in one process on the loopback."""

import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workbench.local.processes import HOST, background, check_port
from workbench.paths import ROOT, STATE
from workbench.problem import Problem

PYTHON = ROOT / ".venvs" / "ministack" / "bin" / "python"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
# What a real provider may be reached through; functions inherit MiniStack's environment and nothing else.
NETWORK = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "TZ")


@contextmanager
def ministack(
    port: int, log: Path = STATE / "ministack.log", environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Runs MiniStack on ``port`` until the block ends and gives its endpoint URL.

    Functions find ``environment`` in theirs. Raises Problem when the port is taken or it does not come up.
    """
    if not PYTHON.exists():
        raise Problem(f"{PYTHON} is missing: run `make setup`")
    check_port(port, "AWS on this machine", "--port")
    url = f"http://{HOST}:{port}"
    # -P: the script's own folder, which has a ministack.py too, stays off its path.
    command = [str(PYTHON), "-P", str(Path(__file__).with_name("launcher.py"))]
    ready = f"{url}/_ministack/ready"
    with tempfile.TemporaryDirectory(prefix="signalbox-", ignore_cleanup_errors=True) as unpacked:
        given = {**_environment(port), "TMPDIR": unpacked, **(environment or {})}
        with background("MiniStack", command, log, given, lambda: answers(ready)):
            yield url


def answers(url: str) -> bool:
    """Whether ``url`` answers 200 within ten seconds."""
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:  # noqa: S310  (our own loopback address)
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _environment(port: int) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("HOME", "PATH", *NETWORK) if name in os.environ}
    return {
        **inherited,
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": REGION,
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "DOCKER_HOST": "unix:///nonexistent",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "NO_PROXY": f"{HOST},localhost",
    }


def client_environment(endpoint_url: str) -> dict[str, str]:
    """This process's environment, pointed at a local stack instead of an AWS account."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **mine,
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.5",
    }
