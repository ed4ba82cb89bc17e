"""Decide: may this message go to this person now, and if not, why not, and until when.

`facts` names what a decision may look at, `gather` finds it out, `rulebook` is the rules as text,
`language` reads that text, `compile` turns it into Python (and SQL), `one` decides for one person
and `choose` picks among what may be delivered.
"""
