"""A person's keys: made, wrapped by the master key, used, destroyed; and the blind index.

Each person has two random 256-bit keys, because they end at different times: the *proof* key
seals and commits the events about them, the *vault* key seals what they told. Both lie in
`keys.db` wrapped by the brand's master key, which lies in a file elsewhere. Destroying a row
makes every copy of what it sealed unreadable, in backups too.

    master key --AES-GCM--> proof key --SHA-512--> seal key, commit key  (events)
                       `--> vault key --SHA-512--> seal key, commit key  (addresses, attributes)
                       `--> brand keys: events of brand scope, blind index, draws, log signature

The blind index finds a person by a keyed hash of an address or an external id, so the files hold
neither. Only `journal`, `vault` and `platform` import this package.

- cipher: keys derived, texts sealed, values committed to and blinded; no file
- master: the file of the master key
- store: `keys.db`
"""

from reciprocity.keys.cipher import (
    KeyPair,
    PersonKeys,
    blind,
    commit,
    derive,
    mint,
    open_sealed,
    pseudonym_text,
    read_pseudonym,
    seal,
)
from reciprocity.keys.master import new_master_key, read_master_key
from reciprocity.keys.store import BrandKeys, KeyStore, define_keys

__all__ = [
    "BrandKeys",
    "KeyPair",
    "KeyStore",
    "PersonKeys",
    "blind",
    "commit",
    "define_keys",
    "derive",
    "mint",
    "new_master_key",
    "open_sealed",
    "pseudonym_text",
    "read_master_key",
    "read_pseudonym",
    "seal",
]
