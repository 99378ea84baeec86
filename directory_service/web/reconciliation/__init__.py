"""The Reconciliation API 0.2 of the W3C Entity Reconciliation Community Group, over ``directory_service.matching``.

What OpenRefine and its like speak to match a column of names with a directory.  Here are the values: types, properties,
entities and answers; ``web.api.reconcile`` has the routes.  Anybody's view only, whoever asks: lists that are matched
here end in spreadsheets.
"""
