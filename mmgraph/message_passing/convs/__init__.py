"""Dense forms of PyG's convolutions, one operator a file."""
