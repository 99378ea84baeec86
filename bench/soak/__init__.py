"""``make soak``: valid and hostile traffic against a real ``annuaire serve``, for memory and descriptors that grow.

``traffic`` is what is sent, ``watch`` what is measured, ``__main__`` the run and its report.
"""
