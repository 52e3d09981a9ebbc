// The refund tool as a TypeScript server would have it: the official SDK, and one request to the
// registry before the body. No ledger, no audit record, no check of the answer beyond `allow`.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { randomUUID } from "node:crypto";
import { z } from "zod";

const base = process.env.APORT_BASE_URL;
const pack = "finance.payment.refund.v1";

async function verify(agentId, fields) {
  const response = await fetch(`${base}/api/verify/policy/${pack}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ context: { agent_id: agentId, policy_id: pack, ...fields } }),
  });
  if (!response.ok) throw new Error(`the registry answered ${response.status}`);
  const body = await response.json();
  return body.decision ?? body;
}

const server = new McpServer({ name: "typescript-peer", version: "1.0.0" });
server.registerTool(
  "process_refund",
  {
    description: "Refund an order.",
    inputSchema: {
      agent_id: z.string(),
      order_id: z.string(),
      customer_id: z.string(),
      amount: z.number().int().positive(),
      currency: z.string(),
      region: z.string(),
      reason_code: z.string(),
      idempotency_key: z.string(),
    },
  },
  async ({ agent_id, ...fields }) => {
    const decision = await verify(agent_id, fields);
    if (decision.allow !== true) {
      const why = (decision.reasons ?? []).map((reason) => reason.message).join(", ");
      return { isError: true, content: [{ type: "text", text: `Policy denied: ${why}` }] };
    }
    const text = `Refund processed: ${randomUUID()}\nDecision ID: ${decision.decision_id}`;
    return { content: [{ type: "text", text }] };
  },
);
await server.connect(new StdioServerTransport());
