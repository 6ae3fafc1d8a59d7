"""Credentials by the Dapr Python SDK."""

import json
import re

from dapr.clients import DaprClient
from grpc import RpcError


class CredentialError(Exception):
    """Why there is no credential: code is a word such as NotFound, retry says whether a later try may help."""

    def __init__(self, error):
        found = re.search(r".*code = (\w+) desc = (.*)", error.details(), re.DOTALL)
        self.code, text = found.groups() if found else ("Unknown", error.details())
        self.retry = self.code in ("Unavailable", "DeadlineExceeded")
        super().__init__(text)


def get_credential(client: DaprClient, guid, store="credentials"):
    """The whole credential, with its types."""
    return json.loads(get_fields(client, guid, {"format": "json"}, store)["_value"])


def get_fields(client: DaprClient, guid, metadata=None, store="credentials"):
    """The credential's fields, each as text."""
    try:
        return dict(client.get_secret(store, guid, metadata or {}).secret)
    except RpcError as error:
        raise CredentialError(error) from error
