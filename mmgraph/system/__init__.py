"""What lies between the package and the machine: memory, files, caches, processes."""
