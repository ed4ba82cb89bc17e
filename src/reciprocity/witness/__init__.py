"""A witness: it vouches that a log has one history, and only ever adds to it (C2SP tlog-witness).

A log asks it to cosign each new checkpoint and shows that the tree grew from the one cosigned
before. The witness remembers size and root, durably, before it answers, so it never cosigns two
histories of one log. It reads nothing of what the log holds. `folder` is its key and the logs it
knows, `state` what it remembers, `witness` what it answers, `serve` the process.
"""
