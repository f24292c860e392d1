"""Why a request is allowed or refused, for people: which policies cover it, what their rules say, which decides."""
