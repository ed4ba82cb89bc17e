"""Event texts made small before they are sealed: raw deflate that starts from a known text.

Most of an event is names every event has. `KNOWN` holds them once; what is stored of an event
refers to it, so that an attempt takes a quarter of its JSON, for 6 us. The commitment is to
the JSON itself, so nobody who verifies needs to know of this. `KNOWN` is part of the journal's
format: it never changes, a better one gets a format byte of its own.
"""

import zlib
from typing import Final

from reciprocity.errors import Damaged

__all__ = ["KNOWN", "pack", "unpack"]

KNOWN: Final = (
    b'"pauses":{"*":0,"email":17"quiet":{"end":480,"start":1260},"quiet_unset":true,'
    b'"caps":{"email":[1,4]},"objections":[{"channel":"*","purpose":"*","lifted":true}],'
    b'"retired":true,"suppressed":true,"bounced":true,"point":1},"time_zone":"Europe/"age_at_least'
    b'":18,"erase_at":17"state":"withdrawn","state":"pending","state":"expired",'
    b'"reason":"cascade:","kind":"age.stated","kind":"erasure.requested","kind":"erasure.undone",'
    b'"kind":"objection.made","kind":"objection.lifted","kind":"contact_point.bounced",'
    b'"kind":"contact_point.suppressed","kind":"contact_point.set","kind":"preferences.set",'
    b'"kind":"profile.set","kind":"person.registered","kind":"consent.confirmed",'
    b'"kind":"consent.requested","kind":"consent.refused","kind":"consent.withdrawn",'
    b'"kind":"consent.granted","reason":"no_outcome","reason":"late","reason":"duplicate",'
    b'"again":true,"attempt":2,"reason":"history_moved_on"},"kind":"delivery.unknown",'
    b'"kind":"delivery.complained","kind":"delivery.bounced","kind":"delivery.failed",'
    b'"kind":"delivery.cancelled","body":{"message":"","occasion":"","reason":"cap_reached",'
    b'"reason":"quiet_time","until":17},"kind":"delivery.held",'
    b'"evidence":{"how":"","text":"","when":1},"language":"en","method":"web","notice":"",'
    b'"notice_language":"en","place":"","points":[{"channel":"email","commitment":"'
    b'","confirmed":true}],"profile":"","shared":{"":["","","source":"","told":["","topics":{"":{"level":2,'
    b'"source":"observed:purchases"},"":{"level":1},"":{"level":-1}}},'
    b'{"at":1,"body":{"actor":"operator:"actor":"import:","consent":[{"channel":"observe",'
    b'"purpose":"","reason":"import","state":"refused"},{"channel":"email","purpose":"",'
    b'"reason":"import","state":"given","until":2}],"evidence":{"how":"","method":"import",'
    b'"source":""},"happened_at":1,"kind":"person.imported","slot":1,"v":1,"version":1}'
    b'{"at":1,"body":{"actor":"person","consent":[{"channel":"email","purpose":"","state":"given",'
    b'{"at":1,"body":{"atoms":1,"channel":"email","consent":1,"content":"","counts_until":2'
    b',"decided_at":1,"facts":[1,0,1,1,0,0,0,2,0,18,16,1,1,1,1,0,2,1,0,0,1,1,1,0,0,0,7,0,30,1'
    b',0,600,0,0,0],"handover_by":1,"message":"","occasion":"","point":1,"purpose":"","score":2,"stated":[1,2,3,4'
    b']},"happened_at":1,"kind":"delivery.attempted","slot":1,"v":1,"version":2}'
    b'{"at":1,"body":{"attempt":2},"happened_at":1,"kind":"delivery.delivered","slot":1,"v":1,'
    b'"version":3}'
)
"""The words of events, the most frequent last: deflate writes what is near in fewer bits."""

_WINDOW: Final = 12  # 4 KB: room for `KNOWN` and an event; a larger one takes longer to copy
_packer: Final = zlib.compressobj(6, zlib.DEFLATED, -_WINDOW, 4, zlib.Z_DEFAULT_STRATEGY, KNOWN)
_unpacker: Final = zlib.decompressobj(-_WINDOW, KNOWN)


def pack(text: bytes) -> bytes:
    """*text* in fewer bytes.

    >>> unpack(pack(b'{"at":5,"body":{},"kind":"consent.granted"}'))
    b'{"at":5,"body":{},"kind":"consent.granted"}'
    """
    packer = _packer.copy()
    return packer.compress(text) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """The text that `pack` took; raises `Damaged` if it did not make *packed*."""
    unpacker = _unpacker.copy()
    try:
        text = unpacker.decompress(packed)
    except zlib.error as error:
        raise Damaged(f"packed text does not unpack ({error}): restore a backup") from error
    if not unpacker.eof or unpacker.unused_data:
        raise Damaged("packed text is cut short, or goes on after its end: restore a backup")
    return text
