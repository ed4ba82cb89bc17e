"""What a turn comes to, written down: rows, vault, tiles; the cache; the receipts' proofs."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from reciprocity.events import LogOpened, LogRestored
from reciprocity.journal.cache import Kept, StandingCache
from reciprocity.journal.entry import Appended
from reciprocity.journal.leaf import Row, open_public
from reciprocity.journal.turn import Turn
from reciprocity.storage import Database, upsert
from reciprocity.tlog.merkle import Growth, prove_inclusion
from reciprocity.tlog.note import LogProof
from reciprocity.tlog.tiles import Tile

__all__ = ["PUT_STATE", "origin_of", "proved", "write_cache", "write_turn"]

_PUT_VAULT: Final = upsert("vault", "slot", "sealed")
_PUT_IN_FORCE: Final = upsert("in_force", "name", "position")
PUT_STATE: Final = upsert(
    "log_state", "id", "size", "last_at", "next_slot", "origin", "gap", "checkpoint"
)
_INSERT_EVENT: Final = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def write_turn(db: Database, turn: Turn, tiles: Sequence[Tile]) -> None:
    """Write the turn's rows in the open transaction (all but `log_state`)."""
    done = turn.written
    db.executemany(_INSERT_EVENT, done.rows)
    if done.vault:
        db.executemany(_PUT_VAULT, done.vault.items())
    if done.in_force:
        db.executemany(_PUT_IN_FORCE, done.in_force.items())
    if done.suppress:
        db.executemany(
            "INSERT INTO suppression VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(digest, turn.before.at) for digest in done.suppress],
        )
    if tiles:
        db.executemany(
            "INSERT INTO tile (level, number, root, hashes) VALUES (?, ?, ?, ?)",
            [(tile.level, tile.index, tile.root, tile.hashes) for tile in tiles],
        )


def write_cache(cache: StandingCache, turn: Turn) -> None:
    """Write the standings that the turn touched, in the cache's open transaction."""
    done, at = turn.written, turn.before.at
    after = done.standings
    whole = {person.slot for person in done.minted}
    whole.update(done.clear)
    kept = []
    for slot in sorted(whole.intersection(after)):
        standing, person = after[slot], turn.people.get(slot)
        pseudonym = person.pseudonym if person and not standing.erased else b""
        kept.append(Kept(standing, done.clear.get(slot, {}), pseudonym))
    if kept:
        cache.write_kept(kept, at)
    cache.write_states([after[slot] for slot in sorted(after.keys() - whole)], at)


def origin_of(turn: Turn) -> str:
    """The origin that the turn's own first statement names, or an empty text."""
    for row in turn.written.rows:
        if row[5] in ("log.opened", "log.restored"):
            body = open_public(Row(*row[:8])).body
            if isinstance(body, LogOpened | LogRestored):
                return body.origin
    return ""


def proved(answer: list[Appended], growth: Growth, checkpoint: bytes) -> list[Appended]:
    """The same answers with their proofs of inclusion under *checkpoint*.

    An act that was known already got its answer, and its proof, from an earlier turn.
    """
    return [
        one
        if one.again
        else replace(
            one,
            proof=LogProof(
                one.position, tuple(prove_inclusion(one.position, growth.size, growth)), checkpoint
            ).encode(),
        )
        for one in answer
    ]
