# As far as we use it.
MIRRORED: dict[str, str]
