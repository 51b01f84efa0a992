"""``signalbox confidence``: fits how much each signal counts for a reply."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from signalbox.confidence.estimate import estimate
from signalbox.confidence.weights import Weights, load_weights
from signalbox.contracts.evidence import Evidence
from signalbox.contracts.messages import Message, TextPart
from signalbox.contracts.requests import InferenceRequest
from signalbox.policy.load import load_resource
from signalbox.signals.extract import extract
from signalbox.transport.dynamodb import StoreUnavailable
from workbench.commands.decisions import listed
from workbench.commands.keys import dynamodb
from workbench.confidence.examples import Example, example_of, read_examples
from workbench.confidence.fit import LEAST_REPLIES, fit_prior, refit
from workbench.confidence.recorded import DATA, TRAIN_FILE, read_train
from workbench.confidence.reliability import reliability
from workbench.local.stack import CALLER
from workbench.problem import Problem
from workbench.progress import step
from workbench.stack import Stack, StackNotFound

app = typer.Typer(no_args_is_help=True, help="How much each signal counts for a reply.")

# Every so many replies, one is kept apart to measure on.
_FOLDS = 5

Out = Annotated[Path, typer.Option("--out", help="Where the weights go; of the shape of the shipped confidence.json.")]


@app.command()
def fit(
    evidence: Annotated[
        Path, typer.Option("--evidence", help='A JSON object a line: {"evidence": {…}, "good": true}.')
    ],
    out: Out,
) -> None:
    """Fit every weight to your own replies with known outcomes."""
    examples, shipped = read_examples(evidence), load_weights()
    with step(f"Fitting to {len(examples):,} replies"):
        fitted = refit(examples, shipped)
    _write(out, fitted)
    typer.echo(_held_out(examples, shipped))


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="Where the examples go, a JSON object a line.")],
    caller: Annotated[str | None, typer.Option(help="Whose requests; on a local stack its own caller's.")] = None,
    stack_name: Annotated[str | None, typer.Option("--stack", help="Stack name; the local stack without one.")] = None,
    endpoint_url: Annotated[str | None, typer.Option("--endpoint-url", help="AWS endpoint, for a local stack.")] = None,
) -> None:
    """Write what stronger models said of fast replies, from the ledger: figures alone, no words."""
    try:
        stack = Stack.find(stack_name, endpoint_url)
        whose = caller or (CALLER if stack.is_local else None)
        if whose is None:
            raise Problem("whose? give --caller NAME, as `signalbox keys list` shows it.")
        entries = listed(dynamodb(stack), stack.output("LedgerTable"), whose, None)
        examples = [example for entry in entries if (example := example_of(entry))]
    except (StackNotFound, StoreUnavailable, ClientError, BotoCoreError) as error:
        raise Problem(str(error)) from None
    out.write_text("".join(f"{one.model_dump_json()}\n" for one in examples), "utf-8")
    good = sum(one.good for one in examples)
    typer.echo(f"{len(examples):,} replies that a stronger model looked at, {good:,} of them confirmed")


@app.command()
def prior(
    out: Out,
    data: Annotated[Path, typer.Option("--data", help="A folder with train/llmrouter.csv.gz.")] = DATA,
) -> None:
    """Fit the prior's intercept alone, to recorded outcomes of weak and strong models.

    For a policy whose `confidence` is a constant or a rule, which is then right on average. The shipped policy's is the
    tagger's `p_fast`, calibrated on these very prompts against the oldest of the weak models: leave its intercept at 0.
    """
    file = data / TRAIN_FILE
    if not file.exists():
        raise Problem(f"there is no {file}: name the folder that has it with --data.")
    with step("Reading the prompts and asking the policy for its prior"):
        fitted = fit_prior(read_train(file), rules_prior, load_weights())
    _write(out, fitted)
    typer.echo(f"intercept {fitted.prior.intercept:+.4f}, slope {fitted.prior.slope:g}")
    alone = estimate(Evidence(prior=1.0), fitted).value
    typer.echo(f"a prior of 1 with nothing else known: {alone:.3f}; where `accept` is no higher, it is final by itself")


def rules_prior(prompt: str) -> float:
    """What the policy's `confidence` says of a prompt that comes alone: that a small model suffices."""
    request = InferenceRequest(
        request_id="fit",
        caller="fit",
        path="/v1/infer",
        messages=(Message(role="user", content=(TextPart(text=prompt),)),),
    )
    return extract(request, load_resource(), datetime.now(UTC)).confidence


def _write(out: Path, weights: Weights) -> None:
    out.write_text(weights.model_dump_json(indent=1) + "\n", "utf-8")


def _held_out(examples: list[Example], shipped: Weights) -> str:
    """What fitting is worth on replies that it has not seen."""
    apart = examples[::_FOLDS]
    rest = [one for place, one in enumerate(examples) if place % _FOLDS]
    try:
        fitted = refit(rest, shipped)
    except Problem:
        return f"too few replies to keep a fifth apart and measure (of {LEAST_REPLIES} and more, some good, some not)"
    lines = [f"on the {len(apart):,} replies kept apart, fitted to the others:"]
    for name, weights in (("before", shipped), ("after", fitted)):
        values = [estimate(one.evidence, weights).value for one in apart]
        found = reliability(values, [float(one.good) for one in apart])
        lines.append(f"  {name:7} expected calibration error {found.ece:.3f}, Brier {found.brier:.3f}")
    return "\n".join(lines)
