"""What torch says of forty conversations, for the test that numpy says the same."""

import json
from collections.abc import Sequence
from pathlib import Path

from signalbox.tagger.excerpt import Turn
from workbench.training.corpus import Example
from workbench.training.reads import read
from workbench.training.session import Trained, probabilities

HOSTILE = ("", " \n\t ", "!" * 5000, "a " * 3000, "\u4f60\u597d " * 200, "supercali" * 300, "0123456789" * 40)


def write_golden(trained: Trained, examples: Sequence[Example], file: Path) -> None:
    """One in so many of the written examples, and texts that nobody writes; probabilities of every head."""
    written = [one.turns for one in examples if one.source.startswith("written")]
    chosen = [*written[:: max(1, len(written) // 33)][:33], *((Turn(True, text),) for text in HOSTILE)]
    shares = probabilities(trained, [read(turns) for turns in chosen])
    rows = [
        {
            "turns": [[turn.user, turn.text] for turn in turns],
            "p_fast": round(float(shares["p_fast"][at]), 5),
            "billing_dispute": round(float(shares["billing_dispute"][at]), 5),
            "compliance": round(float(shares["compliance"][at]), 5),
            "complexity": [round(float(share), 5) for share in shares["complexity"][at]],
            "workload": [round(float(share), 5) for share in shares["workload"][at]],
            "label": trained.labels[int(shares["label"][at].argmax())],
            "label_share": round(float(shares["label"][at].max()), 5),
        }
        for at, turns in enumerate(chosen)
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
