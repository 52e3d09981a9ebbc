"""The official Python SDK 1.x. Usage: python_1.py PLAN, see session.rs."""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from steps import STEPS


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def authorization(server):
    return {"Authorization": "Bearer " + server["token"]} if "token" in server else {}


async def drive(server, reader, writer, agent, number):
    async with ClientSession(reader, writer) as client:
        await client.initialize()

        async def tools():
            return [plain(tool) for tool in (await client.list_tools()).tools]

        async def call(name, arguments):
            return plain(await client.call_tool(name, arguments))

        await STEPS[server["steps"]](tools, call, agent, number)


async def main(plan):
    for number, server in enumerate(plan["servers"]):
        if "url" in server:
            headers = authorization(server)
            async with httpx.AsyncClient(headers=headers) as client:
                async with streamable_http_client(server["url"], http_client=client) as streams:
                    await drive(server, streams[0], streams[1], plan["agent"], number)
        else:
            parameters = StdioServerParameters(command=server["command"], env=server["env"])
            async with stdio_client(parameters) as (reader, writer):
                await drive(server, reader, writer, plan["agent"], number)
    print("sessions:", len(plan["servers"]))


asyncio.run(asyncio.wait_for(main(json.loads(sys.argv[1])), timeout=90))
