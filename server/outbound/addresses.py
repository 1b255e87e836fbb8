"""Where the server may send to: addresses that are not its own network's, unless the settings allow them.

A name is resolved for each connection, every address it has is judged, and one of those very addresses is connected to:
a name that changes between a look and a connection (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_LENGTH_MAX = 2_048

_PORT_MAX = 65_535
_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAMES = ("localhost", ".localhost")


class AddressRefused(Exception):
    """The name has an address that may not be reached; the text says so in one clause, without the address."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached beside the public internet.

    `loopback`: this machine itself, then also by plain http. `networks`: these ranges, though they are private.
    """

    loopback: bool = False
    networks: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether the address may be connected to. IPv4 within IPv6 is judged as what it is."""
        judged = _carried(address)
        if any(judged.version == network.version and judged in network for network in self.networks):
            return True
        if judged.is_loopback:
            return self.loopback
        if isinstance(judged, IPv6Address) and (judged.is_site_local or judged.sixtofour or judged.teredo):
            return False
        return judged.is_global and not (judged.is_multicast or judged.is_reserved or judged.is_unspecified)

    def addresses(self, host: str, port: int) -> list[Address]:
        """Every address of a host. Raises: AddressRefused when any may not be reached; OSError for an unknown name."""
        literal = _literal(host)
        addresses = [literal] if literal else _resolved(host, port)
        if not addresses or not all(map(self.allows, addresses)):
            raise AddressRefused("the host's address is in a range that may not be reached")
        return addresses

    def url_fault(self, url: str) -> str:
        """What is wrong with an endpoint's URL, as a clause; empty when nothing is. Asks no name server."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError, ValueError):
            return "is not a URL"
        if len(url) > URL_LENGTH_MAX:
            return f"must have at most {URL_LENGTH_MAX} characters"
        if parsed.userinfo:
            return "must not carry a user name or a password"
        if not parsed.host or parsed.fragment:
            return "must name a host and have no fragment"
        if parsed.port is not None and not 0 < parsed.port <= _PORT_MAX:
            return f"must name a port from 1 to {_PORT_MAX}"
        return self._host_fault(parsed)

    def _host_fault(self, parsed: httpx.URL) -> str:
        if parsed.scheme != "https" and not (parsed.scheme == "http" and self.is_own(parsed.host)):
            return "must begin with https://"
        return self.host_fault(parsed.host)

    def host_fault(self, host: str) -> str:
        """Why a host may not be reached, as a clause, as far as its text tells; empty when it may, or is a name."""
        address = _literal(host)
        if address is not None and not self.allows(address):
            return "is in a range of addresses that may not be reached"
        return "must not be this machine's own" if _is_local_name(host) and not self.loopback else ""

    def is_own(self, host: str) -> bool:
        """Whether it is this machine, and may be: then nothing has to be encrypted."""
        address = _literal(host)
        return self.loopback and (_is_local_name(host) or (address is not None and _carried(address).is_loopback))


def networks_of(text: str) -> tuple[Network, ...]:
    """Ranges in CIDR notation, separated by commas. Raises: ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    return name == _LOCAL_NAMES[0] or name.endswith(_LOCAL_NAMES[1])


def _carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _resolved(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


def _literal(host: str) -> Address | None:
    """The address that a host's text is, in any of the ways in which a resolver would read it; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433
    except (OSError, UnicodeError):
        return None
