"""The JSON API, for programs that a brand trusts with a key."""
