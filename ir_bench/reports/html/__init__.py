"""Measured systems as one HTML file that opens from disk, with all it needs inside."""
