"""The vault: who people are, what they told and did, and whom never to write to.

    people        an address, an external id or a pseudonym leads to a person
    profile       attribute values: told, corrected, taken back, shared
    observed      what they were seen doing, after a yes to looking
    suppression   addresses never to be written to, whoever has them

Only the journal, the vault and the wiring ever touch keys.
"""
