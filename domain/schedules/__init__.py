"""Schedules: operations that start by themselves."""
