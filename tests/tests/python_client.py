"""Drives a gated server with the official Python SDK of MCP.

Usage: python_client.py SERVER APORT_HOME AGENT_ID
"""

import asyncio
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

DECISION = "io.aport/decision"


def decision(result):
    return result.meta[DECISION]


def refund(amount, key):
    return {
        "order_id": "order-python",
        "customer_id": "customer-1",
        "amount": amount,
        "currency": "USD",
        "region": "US",
        "idempotency_key": key,
    }


async def main(server, home, agent):
    parameters = StdioServerParameters(
        command=server, env={"APORT_HOME": home, "APORT_AGENT_ID": agent}
    )
    async with stdio_client(parameters) as (reader, writer):
        async with ClientSession(reader, writer) as session:
            await session.initialize()

            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            policy = tools["process_refund"].meta["io.aport/policy"]
            assert policy["pack"] == "finance.payment.refund.v1", policy
            assert policy["digest"].startswith("sha256:"), policy
            assert "amount" in policy["context"], policy
            assert "merge_pull_request" in tools, tools

            merged = await session.call_tool(
                "merge_pull_request", {"repository": "my-org/shop", "pr_number": 1}
            )
            assert not merged.isError, merged
            assert decision(merged)["allow"] is True, merged

            # The SDK itself checks a structured result against the output schema.
            paid = await session.call_tool("process_refund", refund(5000, "key-python-1"))
            assert not paid.isError, paid
            assert decision(paid)["allow"] is True, paid
            assert decision(paid)["agent_id"] == agent, paid

            denied = await session.call_tool(
                "process_refund", refund(100000, "key-python-2")
            )
            assert denied.isError, denied
            assert decision(denied)["allow"] is False, denied
            text = denied.content[0].text
            assert text.startswith("Policy denied: "), text
            assert text.endswith("Decision ID: " + decision(denied)["decision_id"]), text
            details = decision(denied)["reasons"][0]["details"]
            assert details["limit"] == 5000 and details["actual"] == 100000, details
    print("python client: ok")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), timeout=60))
