"""`reciprocity demo`: made-up people whose every word is known, so that the end can be checked.

people   makes them up, writes their file, and says what must become of each
acts     what they say themselves, before and while the campaign is sent
check    compares what was planned and delivered with what had to be
show     tells the story, step by step
"""
