"""The two databases: how they are reached, how a transaction runs on them, how their schema moves on."""
