"""JWKS over real HTTP: fetched once, kept, and never a way in when it fails."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from signalbox.callers.tokens import BadToken, IdentityProviderUnavailable, TokenSettings, TokenVerifier

KEY = rsa.generate_private_key(65537, 2048)


class IdentityProvider(HTTPServer):
    """Serves one key; counts how often it is asked. ``status`` other than 200 makes it fail."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Publish)
        self.asked = 0
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/jwks.json"


class Publish(BaseHTTPRequestHandler):
    server: IdentityProvider

    def do_GET(self) -> None:
        self.server.asked += 1
        published = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        body = json.dumps({"keys": [{**published, "kid": "k1", "use": "sig"}]}).encode()
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    server = IdentityProvider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def token(kid: str) -> str:
    claims = {"iss": "i", "aud": "a", "sub": "acme", "exp": int(time.time()) + 60}
    return jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": kid})


def test_the_keys_are_fetched_once_however_many_tokens_come(provider: IdentityProvider) -> None:
    verifier = TokenVerifier(TokenSettings("i", "a", provider.url))
    for _ in range(3):
        assert verifier.claims(token("k1"))["sub"] == "acme"
    assert provider.asked == 1


def test_invented_key_ids_do_not_turn_us_against_the_provider(provider: IdentityProvider) -> None:
    verifier = TokenVerifier(TokenSettings("i", "a", provider.url))
    for invented in range(5):
        with pytest.raises(BadToken):
            verifier.claims(token(f"x{invented}"))
    assert provider.asked == 1


def test_a_provider_that_fails_is_an_error_and_the_next_answer_counts(provider: IdentityProvider) -> None:
    verifier = TokenVerifier(TokenSettings("i", "a", provider.url))
    provider.status = 500
    with pytest.raises(IdentityProviderUnavailable):
        verifier.claims(token("k1"))
    provider.status = 200
    assert verifier.claims(token("k1"))["sub"] == "acme"
