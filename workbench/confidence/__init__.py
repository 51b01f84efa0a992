"""What fits ``signalbox.confidence`` and what measures it. Plain Python."""
