"""Secrets Manager over HTTP: moto, which recomputes every signature and asks IAM for the permission."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

import boto3
import requests
from moto import mock_aws
from moto.core.authorization import ActionAuthenticatorMixin

REGION = "eu-north-1"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}],
}


@dataclass(frozen=True)
class SecretsManager:
    """``admin`` is boto3's client, whom nothing is asked; ``environment`` is what a permitted function has."""

    admin: Any
    environment: dict[str, str]


@contextmanager
def running_secrets_manager() -> Iterator[SecretsManager]:
    """Calls over HTTP are authenticated and authorized; set ``environment`` to make them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ToMoto)
    admin = boto3.Session("admin", "admin", region_name=REGION)
    with mock_aws():
        iam = admin.client("iam")
        iam.create_user(UserName="function")
        iam.put_user_policy(UserName="function", PolicyName="read", PolicyDocument=json.dumps(_POLICY))
        key = iam.create_access_key(UserName="function")["AccessKey"]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield SecretsManager(
                admin.client("secretsmanager"),
                {
                    "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
                    "AWS_REGION": REGION,
                    "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"http://127.0.0.1:{server.server_address[1]}",
                },
            )
        finally:
            server.shutdown()
            server.server_close()


class _ToMoto(BaseHTTPRequestHandler):
    """Hands each request on as it came; moto answers inside ``requests``."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        url = f"https://secretsmanager.{REGION}.amazonaws.com/"
        with patch.object(ActionAuthenticatorMixin, "request_count", float("inf")):
            answer = requests.post(url, data=body, headers=dict(self.headers.items()), timeout=5)
        self.send_response(answer.status_code)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Silent."""
