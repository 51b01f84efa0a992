"""The template and the roster say the same, and no function may do more than it must."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from signalbox.policy.load import load_resource

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "template.yaml").read_text(encoding="utf-8")


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


@pytest.mark.row("D2")
def test_every_roster_model_has_its_function_and_none_is_left_over() -> None:
    assert ADAPTERS.keys() == load_resource().roster.keys()


@pytest.mark.row("D2")
@pytest.mark.parametrize("model", ADAPTERS)
def test_a_models_function_is_its_providers_gated_and_findable(model: str) -> None:
    logical_id, properties = ADAPTERS[model]
    provider = load_resource().roster[model].provider
    assert properties["Handler"] == f"adapters.{provider}.app.handler"
    assert properties["FunctionName"] == {"Sub": "${AWS::StackName}-adapter-" + model}
    assert properties["ReservedConcurrentExecutions"]["If"][1] > 0
    assert {"Timeout", "MemorySize", "Policies"} <= properties.keys()
    assert {"GetAtt": f"{logical_id}.Arn"} in _router_targets()


def test_the_router_may_invoke_the_adapters_and_nothing_else() -> None:
    assert len(_router_targets()) == len(ADAPTERS)
    assert [statement["Action"] for statement in _statements("RouterFunction")] == ["lambda:InvokeFunction"]


@pytest.mark.parametrize("model", [name for name, (_, p) in ADAPTERS.items() if "bedrock" not in p["Handler"]])
def test_an_adapter_reads_its_own_secret_alone(model: str) -> None:
    _, properties = ADAPTERS[model]
    secret = properties["Environment"]["Variables"]["PROVIDER_SECRET_ARN"]
    assert properties["Policies"] == [{"AWSSecretsManagerGetSecretValuePolicy": {"SecretArn": secret}}]


def test_a_wildcard_has_its_reason_beside_it() -> None:
    lines = TEXT.splitlines()
    inside = [number for number, line in enumerate(lines) if "arn:" in line and "*" in line]
    assert inside, "the test looks for nothing"
    assert all(lines[number - 1].lstrip().startswith("#") for number in inside)
    assert not any(action.endswith("*") for name in RESOURCES for one in _statements(name) for action in _actions(one))


def _router_targets() -> list[Any]:
    targets: list[Any] = _statements("RouterFunction")[0]["Resource"]
    return targets


def _statements(name: str) -> list[dict[str, Any]]:
    policies = RESOURCES[name].get("Properties", {}).get("Policies", [])
    found = [one for policy in policies for one in policy.get("Statement", [])]
    return [statement for one in found for statement in _unfolded(one)]


def _unfolded(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A statement, or both arms of a condition around one."""
    for one in statement["If"][1:] if "If" in statement else [statement]:
        if "Action" in one:
            yield one


def _actions(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)
