"""A simulated system of record, with faults on demand, and a sample hook."""
