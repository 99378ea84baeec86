"""Measures of merge quality: ``python -m bench.quality``."""
