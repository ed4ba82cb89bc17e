"""An address to be reached at: the socket that a witness and a brand's server listen on."""

import errno
import os
import socket

from reciprocity.errors import InputError, Unavailable

__all__ = ["listen", "url_of"]


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """A socket that takes connections on *host*, up to *backlog* of them before any is accepted.

    Raises `Unavailable` for a port that is taken or not ours, `InputError` for a host that is no
    address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise Unavailable(
                f"port {port} on {host} cannot be listened on ({os.strerror(error.errno)}): name "
                "another with --port"
            ) from error
        raise InputError(f"host {host!r} is not an address of this machine") from error
    # Connections inherit it. asyncio sets it only for sockets that name TCP as their protocol, and
    # an answer in two writes then waits 40 ms for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(listening: socket.socket) -> str:
    """The URL of what answers there; a host of IPv6 in brackets."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
