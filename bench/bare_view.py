"""The least that Flask can do: constant bytes of the size of a usual suggestion answer."""

from flask import Flask, Response

app = Flask(__name__)
_BODY = b'{"build":"x","items":[' + b",".join([b'{"label":"' + b"x" * 230 + b'"}'] * 10) + b"]}"


@app.get("/")
def constant() -> Response:
    return Response(_BODY, mimetype="application/json")
