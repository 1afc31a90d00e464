"""The stop words of Lucene's English analyzer."""

from __future__ import annotations

# Source: Lucene 9.9.1, EnglishAnalyzer.getDefaultStopSet(): 33 words.
_ENGLISH = """
a an and are as at be but by for if in into is it no not of on or such that the their then there these they this
to was will with
"""
ENGLISH = tuple(_ENGLISH.split())
