"""From items to nodes."""
