"""Data sets that are made rather than read: what each of them needs of a model is known."""
