"""The routes of ``/v1``, one module per resource: each reads its parameters, asks the directory, writes the answer."""
