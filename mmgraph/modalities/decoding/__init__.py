"""Files and arrays to pixels and samples."""
