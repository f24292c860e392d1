"""Texts against phrases, words and expressions: one form for all of them, one index that finds them in one pass."""
