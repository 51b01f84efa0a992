"""Both tokenizers are loaded before the first test, whose time limit is not meant for that."""

import pytest

from signalbox.signals.encoding import encoder
from tests.unit.signals.oracle import oracle


@pytest.fixture(scope="package", autouse=True)
def tokenizers() -> None:
    encoder()
    oracle()
