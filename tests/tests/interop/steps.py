"""What every Python client does with a gated server, whatever SDK and transport it has.

`call(name, arguments)` and `tools()` hide how the SDKs name things: both give plain JSON.
"""

DECISION = "io.aport/decision"
POLICY = "io.aport/policy"


def decision(result):
    return result["_meta"][DECISION]


def refund(amount, key):
    return {
        "order_id": "order-" + key,
        "customer_id": "customer-1",
        "amount": amount,
        "currency": "USD",
        "region": "US",
        "idempotency_key": key,
    }


def check_denial(result):
    """What is denied reads the same in every client: the numbers to adjust to, and no result."""
    assert result["isError"] is True, result
    assert decision(result)["allow"] is False, result
    assert result.get("structuredContent") is None, result
    text = result["content"][0]["text"]
    assert text.startswith("Policy denied: "), text
    assert text.endswith("Decision ID: " + decision(result)["decision_id"]), text
    details = decision(result)["reasons"][0]["details"]
    assert details["limit"] == 5000 and details["actual"] == 100000, details


async def shop(tools, call, agent, session):
    """The example server: lists, allows, denies."""
    listed = {tool["name"]: tool for tool in await tools()}
    policy = listed["process_refund"]["_meta"][POLICY]
    assert policy["pack"] == "finance.payment.refund.v1", policy
    assert policy["digest"].startswith("sha256:"), policy
    assert "amount" in policy["context"], policy

    merged = await call("merge_pull_request", {"repository": "my-org/shop", "pr_number": session + 1})
    assert not merged.get("isError"), merged
    assert decision(merged)["allow"] is True, merged

    paid = await call("process_refund", refund(500, f"shop-{session}-paid"))
    assert not paid.get("isError"), paid
    assert decision(paid)["allow"] is True, paid
    assert decision(paid)["agent_id"] == agent, paid

    check_denial(await call("process_refund", refund(100000, f"shop-{session}-denied")))


async def receipts(tools, call, agent, session):
    """A tool that declares an output schema: the SDK itself checks what is structured against it."""
    listed = {tool["name"]: tool for tool in await tools()}
    assert listed["refund_with_receipt"]["outputSchema"]["properties"]["amount"], listed

    paid = await call("refund_with_receipt", refund(500, f"receipts-{session}-paid"))
    assert not paid.get("isError"), paid
    assert paid["structuredContent"]["amount"] == 500, paid
    assert paid["structuredContent"]["decision_id"] == decision(paid)["decision_id"], paid
    assert decision(paid)["agent_id"] == agent, paid

    check_denial(await call("refund_with_receipt", refund(100000, f"receipts-{session}-denied")))


STEPS = {"shop": shop, "receipts": receipts}
