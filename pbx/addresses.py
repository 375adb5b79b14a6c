"""The IP addresses that this machine has."""

import ipaddress
import re
import socket
from pathlib import Path

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

FIB_TRIE = Path("/proc/net/fib_trie")
IF_INET6 = Path("/proc/net/if_inet6")

# include/uapi/linux/if_addr.h: addresses that are replaced within hours, or are not in use (yet, any more).
TEMPORARY, DEPRECATED, TENTATIVE, DADFAILED = 0x01, 0x20, 0x40, 0x08
PASSING = TEMPORARY | DEPRECATED | TENTATIVE | DADFAILED

_LOCAL_ADDRESS = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL\n")


def local_addresses() -> tuple[IPAddress, ...]:
    """The addresses by which others may reach this machine, and its own loopback, IPv4 first.

    Link-local ones are left out, since they mean nothing without an interface; so are IPv6 addresses that
    are replaced now and then for privacy.
    """
    found: set[IPAddress] = {ipaddress.IPv4Address("127.0.0.1")}
    try:
        found |= ipv4_addresses(FIB_TRIE.read_text())
        if IF_INET6.exists():  # not where IPv6 is switched off
            found |= ipv6_addresses(IF_INET6.read_text())
    except OSError:
        found |= _from_resolver()
    kept = (address for address in found if not address.is_link_local)
    return tuple(sorted(kept, key=lambda address: (address.version, not address.is_loopback, address.packed)))


def ipv4_addresses(fib_trie: str) -> set[IPAddress]:
    """From the kernel's routing table: a local address is a route to itself."""
    return {ipaddress.IPv4Address(text) for text in _LOCAL_ADDRESS.findall(fib_trie)}


def ipv6_addresses(if_inet6: str) -> set[IPAddress]:
    """From the kernel's list: address, interface, prefix length, scope, flags, each in hexadecimal; name."""
    rows = (line.split() for line in if_inet6.splitlines())
    return {ipaddress.IPv6Address(int(row[0], 16)) for row in rows if not int(row[4], 16) & PASSING}


def _from_resolver() -> set[IPAddress]:
    """Where there is no /proc: what the machine's name stands for, and what a packet to others would carry."""
    found: set[IPAddress] = set()
    try:
        answers = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_DGRAM)
    except OSError:
        answers = []
    for *_, address in answers:
        found.add(ipaddress.ip_address(str(address[0]).partition("%")[0]))
    # Addresses for documentation (RFC 5737, RFC 3849): connecting a datagram socket sends nothing.
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                found.add(ipaddress.ip_address(probe.getsockname()[0].partition("%")[0]))
        except OSError:
            continue
    return found
