"""Two revisions of the policies compared: in words, and by what each would have decided about recorded requests."""
