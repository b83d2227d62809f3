"""Refuse what leaves this machine: connections, packets and names. Python runs this file first where PYTHONPATH has its folder.

Programs that are not Python, and libraries that call the system themselves, are not held by it; a network of its own holds them.
"""
import errno
import ipaddress
import socket

_HERE = ("", "localhost", socket.gethostname().lower())  # the names that need no one else


def _text(host):
    "A host as text, whatever it came as"
    return host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host if host is not None else "")


def _address(host):
    "A host as an address, None if it is a name"
    try: address = ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError: return None
    return getattr(address, "ipv4_mapped", None) or address


def _refuse_address(address):
    "Raise `OSError` unless an address is of this machine, or of no network at all, as a file is"
    if not isinstance(address, tuple) or not address: return
    found = _address(address[0])
    if found.is_loopback or found.is_unspecified if found else _text(address[0]).lower() in _HERE: return
    raise OSError(errno.ENETUNREACH, f"the network is blocked while notebooks are tested, and {address[0]} is not this machine")


def _with_guarded_names(lookup):
    "A function that looks up hosts, and raises `socket.gaierror` for names that only a server elsewhere knows"
    def guarded(host, *rest, **more):
        if _address(host) or _text(host).lower() in _HERE: return lookup(host, *rest, **more)
        raise socket.gaierror(socket.EAI_NONAME, f"the network is blocked while notebooks are tested: {_text(host)} is not looked up")
    return guarded


def _with_guarded_address(method, place):
    "A method of sockets that raises `OSError` if the argument with the address leads elsewhere; without one it is connected already"
    def guarded(self, *arguments):
        if len(arguments) >= place: _refuse_address(arguments[-1])
        return method(self, *arguments)
    return guarded


for _name, _place in {"connect": 1, "connect_ex": 1, "sendto": 2, "sendmsg": 4}.items():
    if hasattr(socket.socket, _name): setattr(socket.socket, _name, _with_guarded_address(getattr(socket.socket, _name), _place))
for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    setattr(socket, _name, _with_guarded_names(getattr(socket, _name)))
