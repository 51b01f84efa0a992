"""What a request asks for, by one tiny transformer in the router's own process: ``tag.tag``.

Text flows one way: ``excerpt`` (a bounded view of the messages) → ``features`` (hashed words in a few patches)
→ ``network`` (numpy) → ``calibration``. Weights and what they mean are in ``tagger.npz`` and ``tagger.json``,
made by ``make train``. Nothing here imports torch; numpy is imported when the first request is tagged.
"""

import os

# Matrices this small gain nothing from threads, and Lambda has one core or less. Read when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
