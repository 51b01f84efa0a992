"""Lets `sam local invoke` run any function against the local stack.

SAM gives a container only the variables that its template declares, and logical names where a
deployment has real ones. So this writes a copy of the built template that declares the local endpoint,
and a file with the variables as deployed; samconfig.toml makes `sam local invoke` use both.
"""

import json
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from workbench.build import Target
from workbench.local.processes import HOST
from workbench.stack import Stack

TEMPLATE_NAME, VARIABLES_NAME = "invoke-template.json", "invoke-variables.json"


def make_invocable(stack: Stack, target: Target, folder: Path, host: str) -> None:
    """Writes both files into ``folder``; ``host`` is this machine as a container sees it."""
    template = yaml_parse((target.directory / "template.yaml").read_text())
    for name, value in target.parameters.items():
        template["Parameters"][name]["Default"] = value
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = stack.endpoint_url.replace(
        HOST, host
    )
    for resource in template["Resources"].values():
        for name in resource.get("Properties", {}).keys() & {"CodeUri", "ContentUri"}:
            resource["Properties"][name] = str(target.directory / resource["Properties"][name])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TEMPLATE_NAME).write_text(json.dumps(template, default=str))
    (folder / VARIABLES_NAME).write_text(json.dumps(_deployed_variables(stack)).replace(HOST, host))


def _deployed_variables(stack: Stack) -> dict[str, dict[str, str]]:
    """Each function's environment as deployed, by logical id."""
    physical: dict[str, str] = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Lambda::Function"
    }
    return {logical: _variables(stack.client("lambda"), name) for logical, name in physical.items()}


def _variables(client: Any, function: str) -> dict[str, str]:
    environment = client.get_function_configuration(FunctionName=function).get("Environment", {})
    return {**environment.get("Variables", {}), "AWS_ENDPOINT_URL": client.meta.endpoint_url}
