"""A complete configuration on disk: settings, pepper, accounts, models and one policy."""

from pathlib import Path

POLICY = """\
version: 1
id: everyone
title: Everyone
status: stable
mode: enforce
owner: tests
description: Requests per minute for all.
match: all
limits:
  requests-per-minute: {unit: requests, amount: 60, window: 1m, per: key}
on_violation: {message: slow down}
false_positives: none known
"""


def write_config(folder: Path, base_url: str = "http://127.0.0.1:9/v1", more: str = "") -> Path:
    """Returns the path of gateway.yaml; ports are free ones."""
    (folder / "pepper").write_text("pepper-of-the-tests-pepper-of-the-tests\n")
    (folder / "pepper").chmod(0o600)
    (folder / "accounts.yaml").write_text("accounts:\n  acme: {tier: free}  # the first\n")
    (folder / "models.yaml").write_text("models:\n  m: {upstreams: [main], context: 100, max_output: 50}\n")
    (folder / "policies").mkdir()
    (folder / "policies" / "everyone.yaml").write_text(POLICY)
    path = folder / "gateway.yaml"
    path.write_text(
        "data: {port: 0}\nops: {port: 0}\nadmin: {port: 0}\n"
        "key_pepper_files: [{id: p1, file: pepper}]\n"
        f"upstreams:\n  main: {{base_url: '{base_url}', connect_s: 5}}\n{more}"
    )
    return path
