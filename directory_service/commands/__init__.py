"""The commands of ``annuaire``, one module per kind of work; ``directory_service.cli`` gathers them.

Modules here import what is heavy (pandas, SQLAlchemy, rich) inside their functions, so that ``annuaire --help`` and
shell completion stay quick.
"""
