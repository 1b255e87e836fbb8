"""What goes on in the worker process: chunks of operations, and loops beside them."""
