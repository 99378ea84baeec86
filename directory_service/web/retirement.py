"""Routes that are to go say so in every answer (docs/reference/http-api.md): ``Deprecation`` (RFC 9745), ``Sunset``
(RFC 8594), and a ``Link`` to what takes their place.  Nothing is done where there are none."""

from __future__ import annotations

from datetime import UTC, datetime, time
from wsgiref.handlers import format_date_time

from flask import Flask, Response, request

from directory_service.web.openapi.route import Retired, description_of


def announce(app: Flask) -> None:
    told = {
        name: headers_of(route.retired)
        for name, view in app.view_functions.items()
        if (route := description_of(view)) and route.retired
    }

    def tell(response: Response) -> Response:
        for name, value in told.get(request.endpoint or "", ()):
            response.headers.add(name, value)
        return response

    if told:
        app.after_request(tell)


def headers_of(retired: Retired) -> tuple[tuple[str, str], ...]:
    since, until = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (retired.since, retired.until))
    return (
        ("Deprecation", f"@{since}"),  # a Date of RFC 9651
        ("Sunset", format_date_time(until)),
        ("Link", f'<{retired.instead}>; rel="successor-version"'),
    )
