"""The Python client of Countinghouse."""
