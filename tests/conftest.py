"""What all three kinds of test share."""

from pathlib import Path

import pytest

E2E = Path(__file__).parent / "e2e"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All end-to-end tests share one stack, so all of them run in one process; they start first, being slowest."""
    for item in items:
        if E2E in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e"))
    items.sort(key=lambda item: E2E not in item.path.parents)
