"""The gateway beside other gateways and proxies, in the same minutes on the same core."""
