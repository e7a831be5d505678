"""PyG's convolutions by name, and their dense forms, one operator a file."""
