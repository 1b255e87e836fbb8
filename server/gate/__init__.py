"""What every call passes: checks before it reaches its servicer, and the form of every refusal."""
