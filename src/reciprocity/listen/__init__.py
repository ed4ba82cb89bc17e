"""Listen: what came of what a person told, and all that was ever recorded of them, in codes.

`messages` finds what a delivery said, `items` what the person told that stands, `deliveries` what
was sent or held back; `account` sets the two against each other and `timeline` lists every event.
Nothing here is prose: the pages translate. What a person answers to a message (useful, not for
me) is no event yet; once it is one, it becomes a gain of the account and a sentence of the
timeline.
"""
