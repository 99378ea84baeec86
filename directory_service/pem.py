"""Where a setting that names a file of certificates, or a folder of them, means them to be found.  Reads no octet."""

from __future__ import annotations

from pathlib import Path


def pem_files(named: Path) -> list[Path]:
    """The file, or every ``.pem`` and ``.crt`` of the folder, in order.  Raises OSError."""
    if not named.is_dir():
        return [named]
    return sorted(file for file in named.iterdir() if file.suffix.lower() in (".pem", ".crt"))
