"""Results in the formats of other tools, and back: one file per format, plain functions."""
