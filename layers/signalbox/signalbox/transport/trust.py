"""Whom TLS trusts: certifi's authorities, of which the usual few are loaded first.

Parsing all of certifi's takes 55 ms of CPU, finding and parsing those that AWS and the usual providers
use takes 8. A server that none of them vouches for gets all of them: the handshake fails before anything is
sent, so it can be done again.
"""

import os
import ssl
import threading
import time
from pathlib import Path

import certifi
import httpx

# As certifi labels them: Amazon Trust Services, Google Trust Services, DigiCert and Let's Encrypt.
_USUAL = (
    *("Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4"),
    "Starfield Services Root Certificate Authority - G2",
    *("GTS Root R1", "GTS Root R3", "GTS Root R4", "GlobalSign ECC Root CA - R4"),
    *("DigiCert Global Root G2", "DigiCert Global Root G3", "ISRG Root X1", "ISRG Root X2"),
)
# X509_V_ERR_ of OpenSSL: no issuer found, self-signed (alone, in the chain), no issuer found locally, none verified.
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Trust:
    """An SSL context that begins with the usual authorities and can be widened to all of certifi's, once."""

    def __init__(self) -> None:
        usual = _usual()
        self.context = ssl.create_default_context(cadata=usual) if usual else httpx.create_ssl_context()
        self._narrow = usual is not None
        self._widened_at = float("-inf")
        self._widening = threading.Lock()

    def widened(self, error: BaseException, since: float) -> bool:
        """Whether the call that failed with ``error`` is worth making again, as more are trusted now than were at
        ``since`` (seconds of the monotonic clock); another thread's call may have been the reason."""
        if not _unknown_issuer(error):
            return False
        with self._widening:
            if self._narrow:
                self.context.load_verify_locations(cafile=certifi.where())
                self._narrow, self._widened_at = False, time.monotonic()
            return self._widened_at >= since


def _usual() -> str | None:
    """Their certificates; None where certifi has not all of them, or the environment names authorities of its own."""
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return None
    entries = Path(certifi.where()).read_text(encoding="utf-8").split("# Label: ")
    found = {label.strip('"'): rest for label, _, rest in (entry.partition("\n") for entry in entries[1:])}
    if not found.keys() >= set(_USUAL):
        return None
    return "".join(_BEGIN + found[label].partition(_BEGIN)[2].partition(_END)[0] + _END + "\n" for label in _USUAL)


def _unknown_issuer(error: BaseException | None) -> bool:
    """Whether a certificate without a trusted issuer is behind ``error``; httpx wraps it twice."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None and error.verify_code in _UNKNOWN_ISSUER
