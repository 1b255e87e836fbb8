"""Approvals: calls that take effect once a second person has agreed."""
