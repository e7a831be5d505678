"""Readers for data sets: one file each."""
