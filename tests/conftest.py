"""How properties are searched: the same examples on every run, unless asked to look further.

`pytest --hypothesis-profile=search` (and `make test-long`) draws new examples, and more of them.
"""

import signal

from hypothesis import settings

# A shell that starts us in the background has SIGINT ignored, and every child would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60, print_blob=True)
settings.register_profile("search", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("ci")
