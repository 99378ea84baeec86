"""Synthetic extracts in the real formats: a made-up country, told by every source that the directory reads.

``write_sample`` is the one door.  Everything is drawn from a seed: the same arguments give the same bytes, whatever
the number of processes.  No row describes a real person; names and places come from open statistics
(``importers/data/README.md``).  What this package does not do: read extracts, or judge what readers make of them
(``truth.csv`` and ``defects.csv`` let others do so).
"""

from importers.sample.write import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_sample"]
