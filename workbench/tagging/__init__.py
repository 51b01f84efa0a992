"""Prompts in files, tagged; and what `signalbox bench tagger` measures of the tagger.

``prompts`` → ``score`` → ``files`` is `signalbox tag`. The others are the bench's: ``examples`` (what is measured on),
``rules`` and ``learned`` (what the tagger is measured beside), ``measures``, ``robustness``, ``latency``, ``cold``.
"""
