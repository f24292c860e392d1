"""What a request, a chunk and an idle stream cost here, beside nginx as a plain proxy in the same minutes."""
