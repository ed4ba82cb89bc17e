"""One file a revision; a published one never changes."""
