"""Who calls, and what each method needs (PLT-12, PLT-13)."""

from server.auth.authority import authority
from server.auth.methods import OPEN, OTHERS, permissions_of, permit
from server.auth.principal import Anybody, Authority, Metadata, Principal
from server.auth.token_file import ANY, Tokens, read_tokens

__all__ = [
    "ANY",
    "OPEN",
    "OTHERS",
    "Anybody",
    "Authority",
    "Metadata",
    "Principal",
    "Tokens",
    "authority",
    "permissions_of",
    "permit",
    "read_tokens",
]
