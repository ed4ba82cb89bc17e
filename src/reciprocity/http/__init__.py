"""The server: pages that people reach from a message."""
