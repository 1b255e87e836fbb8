"""Turns the rows of a CSV file into accounting details by a mapping, and accounts for every one of them."""
