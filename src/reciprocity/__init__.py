"""Reciprocity: the opt-in relationship platform for brands."""
