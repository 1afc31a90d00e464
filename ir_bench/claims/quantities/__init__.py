"""What a claim is about: one quantity a file. Each takes results by role and dataset, and gives a Finding.

A quantity is called with `cells`, dataset -> role -> results, and keyword settings from the claim file.
"""
