"""The description of the API (OpenAPI 3.1): ``route`` is what stands beside each view, ``document`` gathers them,
``page`` shows them.  Nothing here answers a question of the directory."""
