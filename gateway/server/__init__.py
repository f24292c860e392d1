"""The door: every inbound socket. Three listeners (data, ops, admin), one handler each."""
