"""What the reconciliation service says of itself."""

from __future__ import annotations

from typing import Any, Final

from directory_service.web.reconciliation.types import TYPES

BATCH: Final = 50  # queries of one request
_SUGGESTED: Final = ("entity", "property", "type")


def manifest(base: str) -> dict[str, Any]:
    """``base`` is the URL of the service's root, without a slash behind."""
    here = f"{base}/v1/reconcile"
    return {
        "versions": ["0.2"],
        "name": "Annuaire des professionnels de santé",
        "identifierSpace": f"{base}/v1/",
        "schemaSpace": f"{here}/type/",
        "documentation": f"{base}/openapi.json",
        "defaultTypes": [t.as_dict() for t in TYPES.values()],
        "view": {"url": f"{here}/view?id={{{{id}}}}"},
        "preview": {"url": f"{here}/preview?id={{{{id}}}}", "width": 430, "height": 180},
        "suggest": {name: {"service_url": here, "service_path": f"/suggest/{name}"} for name in _SUGGESTED},
        "extend": {
            "propose_properties": {"service_url": here, "service_path": "/properties"},
            "property_settings": [],
        },
        # Of later drafts, which clients of 0.2 leave aside: scores are of 100; queries a request may hold.
        "standardizedScore": True,
        "batchSize": BATCH,
    }
