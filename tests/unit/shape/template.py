"""template.yaml as values, for the tests that hold it to the rest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

TEXT = (Path(__file__).parents[3] / "template.yaml").read_text(encoding="utf-8")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags as ``{tag: value}``."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _tagged)
TEMPLATE: dict[str, Any] = yaml.load(TEXT, Loader=_Loader)  # noqa: S506 a safe loader with tags
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
ADAPTERS = {
    properties["Environment"]["Variables"]["ROSTER_MODEL"]: (name, properties)
    for name, resource in RESOURCES.items()
    if "ROSTER_MODEL" in (properties := resource.get("Properties", {})).get("Environment", {}).get("Variables", {})
}


def of_type(kind: str) -> dict[str, Any]:
    """Every resource of ``kind`` by its logical id."""
    return {name: resource for name, resource in RESOURCES.items() if resource["Type"] == kind}


def statements(name: str) -> list[dict[str, Any]]:
    """What the role of the function or machine ``name`` may do, both arms of every condition."""
    policies = RESOURCES[name]["Properties"]["Policies"]
    return [one for policy in policies for statement in policy["Statement"] for one in _unfolded(statement)]


def _unfolded(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in statement["If"][1:] if "If" in statement else [statement]:
        if "Action" in one:
            yield one


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def written(resource: Any) -> str:
    """A resource of a statement as short text: ``LedgerTable``, ``LedgerTable/index/leases``, an ARN, ``*``."""
    if isinstance(resource, str):
        return resource
    (value,) = resource.values()
    return str(value).replace("${", "").replace("}", "").replace(".Arn", "").removesuffix(".Id")
