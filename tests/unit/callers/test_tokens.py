"""Only a token of our issuer, for us, signed with the right kind of key, names a caller."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalbox.callers.authenticate import Authenticator, Identity, Verdict
from signalbox.callers.keys import issue_key
from signalbox.callers.tokens import IdentityProviderUnavailable, TokenSettings, TokenVerifier
from tests.unit.callers.memory import MemoryKeyStore

ISSUER, AUDIENCE, SECRET = "https://id.example", "signalbox", "s" * 32
KID = "current"


@pytest.fixture(autouse=True)
def jwks(rsa_key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The identity provider's published keys, without a network."""
    published = jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    document = {"keys": [{**published, "kid": KID, "use": "sig", "alg": "RS256"}]}
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", lambda _self: document)
    return document


def verifier(*, rs256: bool = True, hs256: bool = True, secret: str = SECRET) -> TokenVerifier:
    url = "https://id.example/jwks" if rs256 else ""
    return TokenVerifier(TokenSettings(ISSUER, AUDIENCE, url, (lambda: secret) if hs256 else None))


def verdict(token: str, tokens: TokenVerifier | None = None) -> Verdict:
    return Authenticator(MemoryKeyStore(), tokens or verifier(), "usage").authenticate(
        {"authorization": f"Bearer {token}"}
    )


def claims(**changed: Any) -> dict[str, Any]:
    full = {"iss": ISSUER, "aud": AUDIENCE, "sub": "acme", "exp": int(time.time()) + 600, **changed}
    return {name: value for name, value in full.items() if value is not None}


def signed(key: RSAPrivateKey | str, **changed: Any) -> str:
    algorithm = "HS256" if isinstance(key, str) else "RS256"
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={"kid": KID})


def by_hand(header: dict[str, Any], signature_key: bytes | None) -> str:
    """A token that PyJWT itself would refuse to make."""

    def encode(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    body = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims()).encode())}"
    signature = hmac.new(signature_key, body.encode(), hashlib.sha256).digest() if signature_key is not None else b""
    return f"{body}.{encode(signature)}"


def test_a_token_of_either_kind_names_its_caller(rsa_key: RSAPrivateKey) -> None:
    for key in (rsa_key, SECRET):
        answer = verdict(signed(key, tier="premium"))
        assert answer.identity == Identity("jwt:acme", "premium", "jwt", "usage")


@given(name=st.from_regex(r"[A-Za-z0-9._@:|/+=-]{1,124}", fullmatch=True))
def test_a_subject_is_nobody_who_has_a_key(name: str) -> None:
    """Whoever names subjects at the identity provider cannot name another's conversations or budget."""
    answer = verdict(signed(SECRET, sub=name))
    assert answer.identity is not None
    store = MemoryKeyStore()
    with pytest.raises(ValueError, match="that of a JWT"):
        issue_key(store, answer.identity.caller)
    if not name.startswith("jwt:"):
        assert issue_key(store, name)[1].caller != answer.identity.caller


@pytest.mark.parametrize("tier", [None, "gold", "", 7, ["premium"]])
def test_a_tier_nobody_knows_is_the_standard_one(tier: object) -> None:
    answer = verdict(signed(SECRET, tier=tier))
    assert answer.identity is not None
    assert answer.identity.tier == "standard"


def test_leeway_is_thirty_seconds() -> None:
    now = int(time.time())
    assert verdict(signed(SECRET, exp=now - 20)).outcome == "allowed"
    assert verdict(signed(SECRET, exp=now - 40)).outcome == "bad_token"
    assert verdict(signed(SECRET, nbf=now + 20)).outcome == "allowed"
    assert verdict(signed(SECRET, nbf=now + 60)).outcome == "bad_token"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "acme#other"},
        {"sub": "x" * 125},  # 128 with what a token's caller begins with
    ],
)
def test_a_claim_that_is_wrong_or_not_there_is_denied(changed: dict[str, Any], rsa_key: RSAPrivateKey) -> None:
    for key in (rsa_key, SECRET):
        assert verdict(signed(key, **changed)).outcome == "bad_token"


def test_a_stranger_s_signature_is_denied(stranger_key: RSAPrivateKey) -> None:
    assert verdict(signed(stranger_key)).outcome == "bad_token"
    assert verdict(signed("t" * 32)).outcome == "bad_token"


def test_the_public_key_is_no_hmac_secret(rsa_key: RSAPrivateKey) -> None:
    """Algorithm confusion: HS256 made with what everyone can read."""
    encodings = [
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    ]
    for encoding, form in encodings:
        token = by_hand({"alg": "HS256", "typ": "JWT", "kid": KID}, rsa_key.public_key().public_bytes(encoding, form))
        for tokens in (verifier(), verifier(hs256=False)):
            assert verdict(token, tokens).outcome == "bad_token"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS512", "RS512", "PS256", "ES256", None, 1, ["RS256"]]
)
def test_no_algorithm_but_the_configured_ones(algorithm: object) -> None:
    for key in (None, b"", SECRET.encode()):
        assert verdict(by_hand({"alg": algorithm, "kid": KID}, key)).outcome == "bad_token"


def test_an_algorithm_that_is_not_configured_is_denied(rsa_key: RSAPrivateKey) -> None:
    assert verdict(signed(SECRET), verifier(hs256=False)).outcome == "bad_token"
    assert verdict(signed(rsa_key), verifier(rs256=False)).outcome == "bad_token"


def test_an_unknown_key_id_is_denied(jwks: dict[str, Any], rsa_key: RSAPrivateKey) -> None:
    jwks["keys"][0]["kid"] = "another"
    assert verdict(signed(rsa_key)).outcome == "bad_token"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), by=st.sampled_from("abcXYZ019-_."), more=st.text("ab.", max_size=2))
def test_a_token_that_was_touched_is_denied(at: int, by: str, more: str) -> None:
    token = signed(SECRET, exp=4_000_000_000)
    at %= len(token)
    touched = token[:at] + by + token[at + 1 :] + more
    # The last character carries spare bits: change it and the very same bytes may be meant.
    if touched[:-1] != token[:-1]:
        assert verdict(touched).identity is None


@pytest.mark.parametrize("secret", ["", "unset", "s" * 31])
def test_a_secret_that_could_be_guessed_opens_nothing(secret: str) -> None:
    token = by_hand({"alg": "HS256"}, secret.encode())
    with pytest.raises(IdentityProviderUnavailable, match="shorter"):
        verdict(token, verifier(secret=secret))


def test_a_provider_that_is_down_is_an_error_and_no_way_in(
    rsa_key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_self: object) -> None:
        raise jwt.PyJWKClientConnectionError("no answer")

    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", down)
    with pytest.raises(IdentityProviderUnavailable):
        verdict(signed(rsa_key))
