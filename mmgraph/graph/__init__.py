"""A sample as a graph: its items, its nodes, and the relations that join them."""
