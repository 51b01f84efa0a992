"""Signalbox: decides which model answers a request, and proves why.

Data flows one way: ``dialects`` parse a request, ``signals`` describe it, ``decision``
chooses under a ``policy``, ``execution`` carries the choice out. ``contracts`` holds the
values that pass between them and imports nothing of ours.
"""
