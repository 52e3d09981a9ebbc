// What every TypeScript client does with a gated server, whatever SDK and transport it has.

import assert from 'node:assert/strict';

const DECISION = 'io.aport/decision';
const POLICY = 'io.aport/policy';

function decision(result) {
  return result._meta[DECISION];
}

function refund(amount, key) {
  return {
    order_id: `order-${key}`,
    customer_id: 'customer-1',
    amount,
    currency: 'USD',
    region: 'US',
    idempotency_key: key,
  };
}

// What is denied reads the same in every client: the numbers to adjust to, and no result.
function checkDenial(result) {
  assert.equal(result.isError, true);
  assert.equal(decision(result).allow, false);
  assert.equal(result.structuredContent, undefined);
  const text = result.content[0].text;
  assert.match(text, /^Policy denied: /);
  assert.ok(text.endsWith(`Decision ID: ${decision(result).decision_id}`), text);
  const { limit, actual } = decision(result).reasons[0].details;
  assert.deepEqual([limit, actual], [5000, 100000]);
}

// The example server: lists, allows, denies.
export async function shop(client, agent, session) {
  const { tools } = await client.listTools();
  const policy = tools.find(({ name }) => name === 'process_refund')._meta[POLICY];
  assert.equal(policy.pack, 'finance.payment.refund.v1');
  assert.match(policy.digest, /^sha256:/);
  assert.ok(policy.context.includes('amount'));

  const merged = await client.callTool({
    name: 'merge_pull_request',
    arguments: { repository: 'my-org/shop', pr_number: session + 1 },
  });
  assert.ok(!merged.isError, JSON.stringify(merged));
  assert.equal(decision(merged).allow, true);

  const paid = await client.callTool({ name: 'process_refund', arguments: refund(500, `shop-${session}-paid`) });
  assert.ok(!paid.isError, JSON.stringify(paid));
  assert.equal(decision(paid).allow, true);
  assert.equal(decision(paid).agent_id, agent);

  checkDenial(
    await client.callTool({ name: 'process_refund', arguments: refund(100000, `shop-${session}-denied`) }),
  );
}

// A tool that declares an output schema: the SDK itself checks what is structured against it.
export async function receipts(client, agent, session) {
  const { tools } = await client.listTools();
  assert.ok(tools.find(({ name }) => name === 'refund_with_receipt').outputSchema.properties.amount);

  const paid = await client.callTool({
    name: 'refund_with_receipt',
    arguments: refund(500, `receipts-${session}-paid`),
  });
  assert.ok(!paid.isError, JSON.stringify(paid));
  assert.equal(paid.structuredContent.amount, 500);
  assert.equal(paid.structuredContent.decision_id, decision(paid).decision_id);
  assert.equal(decision(paid).agent_id, agent);

  checkDenial(
    await client.callTool({
      name: 'refund_with_receipt',
      arguments: refund(100000, `receipts-${session}-denied`),
    }),
  );
}

export const STEPS = { shop, receipts };
