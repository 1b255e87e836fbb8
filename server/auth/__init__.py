"""Who calls, and what each method needs (PLT-12, PLT-13)."""

from server.auth.authority import authority
from server.auth.methods import OPEN, OTHERS, permissions_of, permit
from server.auth.principal import Authority, Metadata, Peer, Principal

__all__ = ["OPEN", "OTHERS", "Authority", "Metadata", "Peer", "Principal", "authority", "permissions_of", "permit"]
