"""The published Python SDK against a registry: what its users do, and what it must get.

Usage: python_sdk.py BASE_URL AGENT. Prints `ok` and what was seen.
"""

import asyncio
import base64
import importlib
import importlib.metadata
import json
import sys
import urllib.request
import uuid

import aporthq_sdk_python as sdk

PACK = "finance.payment.refund.v1"
# Releases up to 0.1.3 have the strict record in `client`, later ones in `thin_client` as well.
MODULES = ["aporthq_sdk_python.client", "aporthq_sdk_python.thin_client"]


def refund(amount):
    return {
        "order_id": "order_1",
        "customer_id": "customer_1",
        "amount": amount,
        "currency": "USD",
        "region": "US",
        "reason_code": "customer_request",
        "idempotency_key": str(uuid.uuid4()),
    }


async def use(module, base, agent):
    options = module.APortClientOptions(base_url=base, timeout_ms=20000)
    async with module.APortClient(options) as client:
        context = refund(1200)
        key = context.pop("idempotency_key")
        allowed = await client.verify_policy(agent, PACK, context, key)
        assert allowed.allow is True, allowed
        assert allowed.assurance_level == "L2" and allowed.expires_in > 0
        assert allowed.signature.startswith("ed25519:")
        assert allowed.passport_digest.startswith("sha256:") and allowed.created_at
        denied = await client.verify_policy(agent, PACK, refund(9999))
        assert denied.allow is False, denied
        assert denied.reasons[0]["code"] == "oap.limit_exceeded", denied
        replayed = await client.verify_policy(agent, PACK, context, key)
        assert replayed.allow is False
        assert replayed.reasons[0]["code"] == "oap.idempotency_conflict", replayed
        token = await client.get_decision_token(agent, PACK, refund(100))
        valid = await client.validate_decision_token(token)
        assert valid.allow is True and valid.decision_id
        keys = await client.get_jwks()
        assert len(keys.keys) == 1
        view = await client.get_passport_view(agent)
        assert view["agent_id"] == agent and view["status"] == "active"
        assert view["passport_digest"] == allowed.passport_digest
        try:
            await client.verify_policy(agent, "acme.none.v1", {})
            raise SystemExit("a pack that is not there was no error")
        except sdk.AportError as error:
            assert error.status == 404 and error.reasons, error


def signature(base, agent):
    """Checks a decision's signature with an implementation that nobody here wrote."""
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return "signature not checked: no package `cryptography`"
    context = dict(refund(100), agent_id=agent, policy_id=PACK)
    request = urllib.request.Request(
        f"{base}/api/verify/policy/{PACK}",
        json.dumps({"context": context}).encode(),
        {"Content-Type": "application/json"},
    )
    decision = json.load(urllib.request.urlopen(request))["decision"]
    keys = json.load(urllib.request.urlopen(f"{base}/.well-known/oap/jwks.json"))["keys"]
    key = next(key for key in keys if key["kid"] == decision["kid"])
    x = base64.urlsafe_b64decode(key["x"] + "=")
    signature = base64.b64decode(decision.pop("signature").removeprefix("ed25519:"))
    # RFC 8785, for ASCII texts and integers.
    canonical = json.dumps(decision, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    Ed25519PublicKey.from_public_bytes(x).verify(signature, canonical.encode())
    return "signature checked"


def main():
    base, agent = sys.argv[1:]
    used = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        asyncio.run(use(module, base, agent))
        used.append(name.rsplit(".", 1)[1])
    assert used
    version = importlib.metadata.version("aporthq-sdk-python")
    print(f"ok: {version}, {' and '.join(used)}, {signature(base, agent)}")


main()
