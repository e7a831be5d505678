"""Tables of any kind, whole in memory or read from disk a part at a time."""
