"""The gRPC server of Countinghouse: translates calls, owns processes and connections."""
