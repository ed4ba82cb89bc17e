"""The public log's mathematics and formats, for whoever keeps the log and whoever checks it.

`merkle` is the tree of RFC 6962, `tiles` the files it is published in (C2SP tlog-tiles), `note`
the texts that are signed and handed out (C2SP signed-note, tlog-checkpoint, tlog-proof),
`cosignature` what a witness adds to them, `submission` how it is asked to, `policy` whose word is
enough (C2SP tlog-cosignature, tlog-witness, tlog-policy). Pure functions over the standard library:
no clock, no randomness, no storage; it can be read whole.
"""
