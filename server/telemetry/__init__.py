"""What the server says of itself: log lines, figures, traces (PLT-42)."""
