"""What a plan's own words may add to a prompt, in UTF-8 bytes, which no tokenizer turns into more tokens."""

# The verifier's or chooser's instructions and its schema; the drafts themselves come on top.
VERIFY_BYTES = 3_000
# What a verdict needs beside the answer in it.
VERDICT_OUTPUT_TOKENS = 512
