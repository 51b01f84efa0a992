"""What provisioned environments and snapshots read before anybody waits."""

import pytest

from router.warm import warm
from signalbox.signals.encoding import encoder
from signalbox.tagger.weights import load


@pytest.mark.row("E12", "A2")
@pytest.mark.parametrize(
    ("how", "read"), [("provisioned-concurrency", 1), ("snap-start", 1), ("on-demand", 0), (None, 0)]
)
def test_tokenizer_and_tagger_are_read_ahead_of_requests_alone(
    how: str | None, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    if how:
        monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", how)
    encoder.cache_clear()
    load.cache_clear()
    warm()
    assert (encoder.cache_info().currsize, load.cache_info().currsize) == (read, read)
