"""Asks the original library, one request a line of JSON, and measures it beside us.

The file of a version stands before this one. It has original, and measured for the measurement.
"""

import ast
import asyncio
import inspect
import json
import sys
import time

from dapr.clients import DaprClient


def compact(value):
    return json.dumps(value, separators=(",", ":"))


async def resolve(request):
    return {"value": compact(await original(request["guid"]))}


async def measure(request):
    """Seconds for each credential, in count calls one after the other."""
    guid, store, ways = request["guid"], request["store"], {}

    def ask(client):
        return json.loads(client.get_secret(store, guid, {"format": "json"}).secret["_value"])

    async def fresh():
        with DaprClient() as client:
            return ask(client)

    async def kept():
        return ask(client)

    async def library():
        return await measured(guid)

    with DaprClient() as client:
        ways = {"original": library, "fresh": fresh, "kept": kept}
        begin = time.perf_counter()
        for _ in range(request["count"]):
            answer = await ways[request["way"]]()
        return {"seconds": (time.perf_counter() - begin) / request["count"], "value": compact(answer)}


async def snippet(request):
    """Runs the document's module and then a program, whose last word is result."""
    names = {}
    for program in request["programs"]:
        code = compile(program, "migration.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        outcome = eval(code, names)
        if inspect.isawaitable(outcome):
            await outcome
    return {"value": compact(names["result"])}


async def main():
    calls = {"resolve": resolve, "measure": measure, "snippet": snippet}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = await calls[request["call"]](request)
        except Exception as error:
            answer = {"error": f"{type(error).__module__}.{type(error).__qualname__}: {error}"}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
