"""Fuzz targets of everything that reads a stranger's octets, for ``make fuzz``.  See ``targets`` and ``__main__``."""
