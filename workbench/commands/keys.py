"""`signalbox keys`: creates, lists and revokes the keys that callers use.

On AWS each key has an API Gateway key beside it, which puts it into its tier's usage plan.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from signalbox.callers.dynamodb import DynamoKeyStore
from signalbox.callers.keys import DEFAULT_TIER, TIERS, CallerKey, KeyStore, KeyStoreUnavailable, issue_key
from signalbox.transport.aws import ambient_keys
from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.sigv4 import Keys
from workbench.stack import Stack, StackNotFound

app = typer.Typer(no_args_is_help=True, help="Keys that callers use.")

USAGE_PLAN_OUTPUTS = {tier: f"UsagePlan{tier.capitalize()}Id" for tier in TIERS}
SECONDS_PER_DAY = 86_400
LOCAL_KEYS = Keys("test", "test")

StackOption = Annotated[str | None, typer.Option("--stack", help="Stack name; the local stack without one.")]
EndpointOption = Annotated[str | None, typer.Option("--endpoint-url", help="AWS endpoint, for a local stack.")]


def key_store(stack: Stack) -> KeyStore:
    """The keys of a deployed stack. Raises ``StackNotFound``."""
    return DynamoKeyStore(dynamodb(stack), stack.output("CallersTable"))


def dynamodb(stack: Stack) -> DynamoDB:
    """Where boto3 finds it, by the user's profile. Real credentials are never sent to a local endpoint."""
    found = stack.client("dynamodb").meta
    return DynamoDB(found.region_name, found.endpoint_url, (lambda: LOCAL_KEYS) if stack.is_local else ambient_keys)


def join_usage_plan(stack: Stack, record: CallerKey) -> bool:
    """Puts a key under its tier's throttle and quota; False when the stack has no such plan."""
    plan_id = stack.outputs.get(USAGE_PLAN_OUTPUTS[record.tier])
    if plan_id is None:
        return False
    gateway = stack.client("apigateway")
    made = gateway.create_api_key(
        name=_gateway_name(record.key_id), value=record.usage_key, enabled=True, description=f"for {record.caller}"
    )
    gateway.create_usage_plan_key(usagePlanId=plan_id, keyId=made["id"], keyType="API_KEY")
    return True


def leave_usage_plan(stack: Stack, key_id: str) -> None:
    """Deletes the API Gateway key beside a key, if there is one."""
    gateway = stack.client("apigateway")
    name = _gateway_name(key_id)
    for found in gateway.get_api_keys(nameQuery=name)["items"]:
        if found["name"] == name:
            gateway.delete_api_key(apiKey=found["id"])


def _gateway_name(key_id: str) -> str:
    return f"signalbox-{key_id}"


@app.command()
def create(
    caller: Annotated[str, typer.Option(help="Who the key is for.")],
    tier: Annotated[str, typer.Option(help=f"One of {', '.join(TIERS)}.")] = DEFAULT_TIER,
    expires_in: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never without.")] = None,
    stack_name: StackOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Create a key and print it, this once."""
    with _told_plainly():
        stack = Stack.find(stack_name, endpoint_url)
        store = key_store(stack)
        expires_at = int(time.time()) + expires_in * SECONDS_PER_DAY if expires_in else None
        plain_key, record = issue_key(store, caller, tier, expires_at)
        try:
            planned = join_usage_plan(stack, record)
        except Exception:
            store.revoke(record.key_id)  # nobody will ever see this key: leave none behind that works
            leave_usage_plan(stack, record.key_id)
            raise
    typer.echo(plain_key)
    typer.echo(f"Key {record.key_id} for {caller} ({tier}). Keep it: it is stored as a hash only.", err=True)
    if not planned:
        typer.echo(f"Note: stack {stack.name} has no usage plan for {tier}, so nothing throttles it.", err=True)


@app.command("list")
def list_keys(stack_name: StackOption = None, endpoint_url: EndpointOption = None) -> None:
    """List every key: id, caller, tier, state, created, expires. Never the key."""
    with _told_plainly():
        records = key_store(Stack.find(stack_name, endpoint_url)).list()
    typer.echo(f"{'key id':12}{'caller':32}{'tier':10}{'state':9}{'created':12}expires")
    for record in records:
        expired = record.expires_at is not None and record.expires_at <= time.time()
        state = "expired" if expired and record.state == "active" else record.state
        typer.echo(
            f"{record.key_id:12}{record.caller:32}{record.tier:10}{state:9}{_day(record.created_at):12}"
            + (_day(record.expires_at) if record.expires_at else "never")
        )


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    stack_name: StackOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Revoke a key; it stops working within 60 seconds."""
    with _told_plainly():
        stack = Stack.find(stack_name, endpoint_url)
        record = key_store(stack).revoke(key_id)
        if record is None:
            typer.echo(f"There is no key {key_id}.", err=True)
            raise typer.Exit(1)
        leave_usage_plan(stack, key_id)
    typer.echo(f"Revoked {key_id} of {record.caller}; it stops working within 60 seconds.")


def _day(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d")


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turns what can go wrong into one line and exit code 1."""
    try:
        yield
    except (StackNotFound, KeyStoreUnavailable, ValueError, ClientError, BotoCoreError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
