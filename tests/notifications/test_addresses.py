"""Where notifications may go, and where never."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest

from server.outbound.addresses import AddressRefused, Reach, networks_of

PRIVATE = (
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - nobody listens on it
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
)
PUBLIC = ("93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101")


@pytest.mark.rule("PLT-25")
@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_in_whatever_dress(address: str) -> None:
    """Loopback, private, link-local, multicast, reserved; IPv4 within IPv6 is what it carries."""
    assert not Reach().allows(ip_address(address))


@pytest.mark.rule("PLT-25")
@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached(address: str) -> None:
    """Everybody else's servers."""
    assert Reach().allows(ip_address(address))


@pytest.mark.rule("PLT-25")
def test_settings_allow_ranges_and_this_machine_and_no_more() -> None:
    """An allowed range lets in itself alone."""
    reach = Reach(networks=networks_of("10.1.0.0/16, fd00::/8"))
    allowed = ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1")
    refused = ("10.2.0.1", "192.168.0.1", "127.0.0.1", "::1", "fe80::1")
    assert [reach.allows(ip_address(each)) for each in allowed] == [True] * len(allowed)
    assert [reach.allows(ip_address(each)) for each in refused] == [False] * len(refused)
    own = Reach(loopback=True)
    assert own.allows(ip_address("127.0.0.1"))
    assert own.allows(ip_address("::1"))
    assert not own.allows(ip_address("10.0.0.1"))


@pytest.mark.rule("PLT-25")
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://hooks.example.com/a?b=c", ""),
        ("https://hooks.example.com:8443/", ""),
        ("http://hooks.example.com/", "must begin with https://"),
        ("ftp://hooks.example.com/", "must begin with https://"),
        ("hooks.example.com", "must name a host and have no fragment"),
        ("https://", "must name a host and have no fragment"),
        ("https://ann:secret@hooks.example.com/", "must not carry a user name or a password"),
        ("https://ann@hooks.example.com/", "must not carry a user name or a password"),
        ("https://hooks.example.com/#part", "must name a host and have no fragment"),
        ("https://127.0.0.1/", "is in a range of addresses that may not be reached"),
        ("https://[::1]/", "is in a range of addresses that may not be reached"),
        ("https://[::ffff:10.0.0.1]/", "is in a range of addresses that may not be reached"),
        ("https://2130706433/", "is in a range of addresses that may not be reached"),
        ("https://0x7f000001/", "is in a range of addresses that may not be reached"),
        ("https://127.1/", "is in a range of addresses that may not be reached"),
        ("https://169.254.169.254/latest/meta-data", "is in a range of addresses that may not be reached"),
        ("https://localhost/", "must not be this machine's own"),
        ("https://localhost./", "must not be this machine's own"),
        ("https://api.localhost/", "must not be this machine's own"),
        ("http://127.0.0.1/", "must begin with https://"),
        ("https://hooks.example.com:99999/", "must name a port from 1 to 65535"),
        ("https://" + "a" * 2_100 + "/", "must have at most 2048 characters"),
        ("https://a\nb/", "is not a URL"),
    ],
)
def test_an_endpoints_url_is_judged_before_it_is_kept(url: str, fault: str) -> None:
    """Each mistake has its sentence, and nothing is looked up."""
    assert Reach().url_fault(url) == fault


@pytest.mark.rule("PLT-25")
def test_plain_http_is_for_this_machine_alone_and_only_if_allowed() -> None:
    """The setting for development opens nothing else."""
    reach = Reach(loopback=True)
    assert reach.url_fault("http://127.0.0.1:8080/hook") == ""
    assert reach.url_fault("http://localhost:8080/hook") == ""
    assert reach.url_fault("http://hooks.example.com/") == "must begin with https://"
    assert reach.url_fault("https://10.0.0.1/") == "is in a range of addresses that may not be reached"


@pytest.mark.rule("PLT-25")
def test_a_name_with_one_private_address_is_refused_altogether(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that has a public and a private address is an attack or a mistake."""

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("93.184.216.34", "10.0.0.5")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(AddressRefused):
        Reach().addresses("hooks.example.com", 443)
