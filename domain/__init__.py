"""The business of Countinghouse: no gRPC, no settings, no threads."""
