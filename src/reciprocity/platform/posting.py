"""What sending needs, put together from the brand file: queue, links, ways out, signing keys."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from reciprocity.brand import Brand
from reciprocity.deliver.email import open_signer, open_transport
from reciprocity.deliver.link import Links
from reciprocity.deliver.outbox import Outbox
from reciprocity.deliver.run import Post
from reciprocity.journal.journal import Journal

if TYPE_CHECKING:
    from reciprocity.deliver.channel import Transport
    from reciprocity.deliver.email.dkim import DkimKey

__all__ = ["open_post"]


def open_post(journal: Journal, brand: Brand, links: Links, closing: ExitStack) -> Post:
    """What *brand* sends with, each transport open; *closing* closes all of it."""
    outbox = Outbox(journal.folder)
    closing.callback(outbox.close)
    transports: dict[str, Transport] = {}
    signers: dict[str, DkimKey] = {}
    domain, channels = brand.statement.domain, brand.statement.channels
    for channel, told in brand.transports.items():
        if (signer := open_signer(told, channels[channel].sender)) is not None:
            signers[channel] = signer
        transports[channel] = open_transport(told, journal.clock, hello=domain)
        closing.callback(transports[channel].close)
    return Post(
        journal=journal,
        outbox=outbox,
        links=links,
        transports=transports,
        signers=signers,
        base_url=brand.base_url,
    )
