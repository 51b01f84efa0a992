"""Several threads meet an unusual authority at once: each of them calls again, and the bundle is read once."""

import ssl
import threading
import time

import certifi
import pytest

from signalbox.transport.trust import Trust


def unknown_issuer() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_code = 20
    return error


def test_every_thread_whose_call_began_before_the_widening_calls_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    trust, since = Trust(), time.monotonic()
    reads: list[str] = []
    both_in = threading.Barrier(4)

    class Context:
        def load_verify_locations(self, cafile: str) -> None:
            time.sleep(0.01)
            reads.append(cafile)

    monkeypatch.setattr(trust, "context", Context())
    told: list[bool] = []

    def fail() -> None:
        both_in.wait()
        told.append(trust.widened(unknown_issuer(), since))

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [True] * 4
    assert reads == [certifi.where()]
    assert not trust.widened(unknown_issuer(), time.monotonic())  # began after it: nobody vouches for that server


def test_other_errors_widen_nothing() -> None:
    trust = Trust()
    before = len(trust.context.get_ca_certs())
    assert not trust.widened(ValueError(), time.monotonic())
    assert len(trust.context.get_ca_certs()) == before
