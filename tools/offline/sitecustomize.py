"Refuse every connection that leaves this machine. Python runs this file first in each process whose PYTHONPATH has its folder."
import socket

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared with, not bound to
_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex


def _refuse(address):
    "Raise unless an address is of this machine, or of no network at all"
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOCAL):
        raise OSError(f"the network is blocked while notebooks are tested, and {address[0]} is not this machine")


def _guarded_connect(self, address):
    "Connect, if it is to this machine"
    _refuse(address)
    return _connect(self, address)


def _guarded_connect_ex(self, address):
    "Connect, if it is to this machine; returns an error code"
    _refuse(address)
    return _connect_ex(self, address)


socket.socket.connect, socket.socket.connect_ex = _guarded_connect, _guarded_connect_ex
