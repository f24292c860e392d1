"""Signed receipts: a caller can show what it was answered, and anybody with a public key can check it.

docs/receipts.md says what a receipt proves. Only `jws.py` imports cryptography, and `gateway serve` imports that file
only where receipts are on.
"""
