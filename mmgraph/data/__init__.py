"""From a table's cells to batches of items, and from its targets to tensors."""
