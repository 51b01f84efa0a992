"""What the functional tests share."""

from collections.abc import Iterator

import pytest

from tests.functional.aimock import Aimock, running_aimock
from tests.functional.stores import Stores, running_stores


@pytest.fixture(scope="session")
def aimock_process() -> Iterator[Aimock]:
    with running_aimock() as aimock:
        yield aimock


@pytest.fixture
def aimock(aimock_process: Aimock) -> Aimock:
    """The provider double, with nothing in it yet."""
    aimock_process.reset()
    return aimock_process


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """A real DynamoDB and S3, shared by the session; every test makes tables of its own."""
    with running_stores(tmp_path_factory.mktemp("stores") / "ministack.log") as running:
        yield running
