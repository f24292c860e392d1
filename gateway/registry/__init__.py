"""Which account was served this text: salted fingerprints of answers, kept in files. docs/registry.md tells it plainly.

No text is kept, only 40-bit keyed hashes of word runs. Only `postings.py` imports numpy, and nothing that `gateway
serve` imports may import that file.
"""
