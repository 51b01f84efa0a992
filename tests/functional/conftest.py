"""What the functional tests share."""

from collections.abc import Iterator

import pytest

from tests.functional.aimock import Aimock, running_aimock


@pytest.fixture(scope="session")
def aimock_process() -> Iterator[Aimock]:
    with running_aimock() as aimock:
        yield aimock


@pytest.fixture
def aimock(aimock_process: Aimock) -> Aimock:
    """The provider double, with nothing in it yet."""
    aimock_process.reset()
    return aimock_process
