"""The official Python SDK 2.x, in today's stateless protocol and in the one with a handshake.

Usage: python_2.py PLAN, see session.rs.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from steps import STEPS

SPOKEN = {"legacy": "2025-11-25", "auto": "2026-07-28", "2026-07-28": "2026-07-28"}


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def authorization(server):
    return {"Authorization": "Bearer " + server["token"]} if "token" in server else {}


async def drive(server, transport, mode, agent, session):
    async with Client(transport, mode=mode) as client:
        assert client.protocol_version == SPOKEN[mode], client.protocol_version

        async def tools():
            return [plain(tool) for tool in (await client.list_tools()).tools]

        async def call(name, arguments):
            return plain(await client.call_tool(name, arguments))

        await STEPS[server["steps"]](tools, call, agent, session)


async def refused(server, mode):
    """A token that does not count, or none: the SDK gives up, and every answer had this status."""
    statuses = []

    async def seen(response):
        statuses.append(response.status_code)

    headers, hooks = authorization(server), {"response": [seen]}
    try:
        async with httpx2.AsyncClient(headers=headers, event_hooks=hooks) as http:
            transport = streamable_http_client(server["url"], http_client=http)
            async with Client(transport, mode=mode) as client:
                await client.list_tools()
    except Exception as error:
        assert set(statuses) == {server["refused"]}, (statuses, error)
    else:
        raise AssertionError("it was let in")


async def main(plan):
    sessions = 0
    for server in plan["servers"]:
        for mode in SPOKEN:
            if "refused" in server:
                await refused(server, mode)
            elif "url" in server:
                headers = authorization(server)
                async with httpx2.AsyncClient(headers=headers) as http:
                    transport = streamable_http_client(server["url"], http_client=http)
                    await drive(server, transport, mode, plan["agent"], sessions)
            else:
                transport = StdioServerParameters(command=server["command"], env=server["env"])
                await drive(server, transport, mode, plan["agent"], sessions)
            sessions += 1
    print("sessions:", sessions)


asyncio.run(asyncio.wait_for(main(json.loads(sys.argv[1])), timeout=90))
