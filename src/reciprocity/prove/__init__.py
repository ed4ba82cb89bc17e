"""Proof for people and auditors: receipts, verification, replay, and the log as a folder."""
