"""Where things are in the repository."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".signalbox"
LOCAL_FILE = STATE / "local.json"
TEMPLATE = ROOT / "template.yaml"
BIN = Path(sys.executable).parent
COLLECTIONS = ROOT / "collections"  # a folder of documents each
