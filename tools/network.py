"""Cut a process and its children off from every network but the loopback.

Where Linux allows it, as it does for root, and for others unless it was forbidden, the process moves to a network of its own, and
nothing gets out. Elsewhere `tools/offline` makes every Python process refuse connections, packets and names of other machines.
"""
import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

OFFLINE = Path(__file__).resolve().parent / "offline"
NEW_USERS, NEW_NETWORK = 0x10000000, 0x40000000  # flags of unshare(2)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # from linux/sockios.h and linux/if.h


def leave_network():
    "Move this process to a network of its own that has only the loopback; raises `OSError` if the system does not allow it"
    import fcntl  # not on Windows
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if libc.unshare(NEW_NETWORK):
        if libc.unshare(NEW_USERS | NEW_NETWORK): raise OSError(ctypes.get_errno(), "no network of its own")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", name).write_text(text, encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def can_leave_network():
    "Whether that works, and the loopback too, tried in a process that ends with the trial: half of it cannot be undone"
    if not sys.platform.startswith("linux"): return False
    if child := os.fork(): return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try:
        leave_network()
        with socket.create_server(("127.0.0.1", 0)) as server: socket.create_connection(server.getsockname(), timeout=5).close()
        os._exit(0)
    except BaseException:  # noqa: B036 - whatever it is, this process must not go on as a second one
        os._exit(1)


def block_network(with_guard=False):
    "Cut this process and its children off from every network; returns how: the system does it, or a guard in each Python process"
    if not with_guard and can_leave_network():
        leave_network()
        return "a network of its own"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))
    return "a guard in Python"
