"""Callers by the certificate of their connection (mutual TLS, PLT-13)."""

from __future__ import annotations

from collections.abc import Mapping

from server.auth.errors import CertificateUnknown
from server.auth.principal import Peer, Principal

_KINDS = ("peer_uri", "peer_dns")
_ANY_OTHER = "x509_subject_alternative_name"
_COMMON_NAME = "x509_common_name"


def holder(peer: Peer, principals: Mapping[str, Principal]) -> Principal:
    """The first name of the certificate that is known says who calls. Raises: CertificateUnknown."""
    for name in names_of(peer):
        principal = principals.get(name)
        if principal is not None:
            return principal
    raise CertificateUnknown


def names_of(peer: Peer) -> list[str]:
    """The certificate's names: its URIs, then its DNS names; its common name only when it has neither (RFC 9525)."""
    names = [name.decode(errors="replace") for kind in _KINDS for name in peer.get(kind, ())]
    if not names and not peer.get(_ANY_OTHER):
        names = [name.decode(errors="replace") for name in peer.get(_COMMON_NAME, ())]
    return names
