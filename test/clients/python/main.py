"""Answers the test's requests, one a line of JSON, by credentials.py."""

import json
import sys

from dapr.clients import DaprClient

from credentials import CredentialError, get_credential, get_fields


def name(kind):
    return f"{kind.__module__}.{kind.__qualname__}"


def answer(client, request):
    try:
        if request["whole"]:
            return {"credential": json.dumps(get_credential(client, request["guid"], request["store"]))}
        return {"entries": get_fields(client, request["guid"], request["metadata"], request["store"])}
    except CredentialError as error:
        cause = error.__cause__
        shown = {"exception": name(type(cause)), "status": cause.code().name, "message": cause.details()}
        return {"error": {"code": error.code, "retry": error.retry, "text": str(error), **shown}}


with DaprClient() as client:
    for line in sys.stdin:
        print(json.dumps(answer(client, json.loads(line))), flush=True)
