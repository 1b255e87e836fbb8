"""Algorithms of others that are asked over the network as bills are completed (BIL-23)."""
