"""Adjustments on their way to clients' systems of record (ACC-20 to ACC-24)."""
