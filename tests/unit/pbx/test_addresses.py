"""The machine's addresses, read from what the kernel says."""

import socket
from ipaddress import ip_address

import pytest

from pbx import addresses
from pbx.addresses import ipv4_addresses, ipv6_addresses, local_addresses

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 10.0.0.0
        /24 link UNICAST
Local:
        |-- 10.0.0.0
           /24 link UNICAST
        |-- 10.0.0.7
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
"""

IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000002 04 40 00 82     eth0
20010db800000000aaaabbbbccccdddd 04 40 00 01     eth0
20010db8000000000000000000000003 04 40 00 20     eth0
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
"""


def test_only_hosts_of_the_kernels_routing_table_are_local() -> None:
    assert ipv4_addresses(FIB_TRIE) == {ip_address("10.0.0.7"), ip_address("127.0.0.1")}


def test_temporary_and_deprecated_ipv6_addresses_are_left_out() -> None:
    assert ipv6_addresses(IF_INET6) == {ip_address("::1"), ip_address("2001:db8::2"), ip_address("fe80::fc:ff:fe00:1")}


def test_every_address_can_be_listened_on() -> None:
    found = local_addresses()
    assert ip_address("127.0.0.1") in found
    assert len(set(found)) == len(found)
    for address in found:
        assert not address.is_link_local
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))


def test_machine_without_proc_asks_its_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = addresses.FIB_TRIE.with_name("missing")
    monkeypatch.setattr(addresses, "FIB_TRIE", missing)
    assert ip_address("127.0.0.1") in local_addresses()
