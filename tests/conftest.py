"""How properties are searched: the same examples on every run, unless asked to look further.

`pytest --hypothesis-profile=search` (and `make test-long`) draws new examples, and more of them.
"""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("ci")
