"""Does the person meant come first: ``python -m bench.relevance``."""
