"""Which account was issued this text: the statistics of the detector. docs/watermark.md has them in plain words.

Nothing here talks to a request. Only `codewords.py` imports numpy, and nothing that `gateway serve` imports may
import that file.
"""
