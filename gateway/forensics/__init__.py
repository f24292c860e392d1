"""What an investigator does with a text that was found: tests it, writes the report, keeps the evidence.

Nothing here takes part in serving. The statistics are those of `gateway.watermarks`; this room counts what was tried,
reads inputs, and says in fixed words what came of it. docs/detect.md is its page.
"""
