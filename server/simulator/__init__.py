"""A simulated system of record: what `SystemOfRecordService` asks for, and faults on demand."""
