// The official TypeScript SDK 2.x, in today's stateless protocol and in the one with a handshake.
// Usage: typescript_2.mjs PLAN, see session.rs.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { STEPS } from './steps.mjs';

const require = createRequire(`${process.env.APORT_NODE_PACKAGES}/`);
const { Client, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');
const { StdioClientTransport } = require('@modelcontextprotocol/client/stdio');

const plan = JSON.parse(process.argv[2]);
let sessions = 0;
for (const { steps, command, env, url, token, refused } of plan.servers) {
  for (const mode of ['legacy', { pin: '2026-07-28' }, 'auto']) {
    const transport = url
      ? new StreamableHTTPClientTransport(new URL(url), {
          requestInit: { headers: token ? { Authorization: `Bearer ${token}` } : {} },
        })
      : new StdioClientTransport({ command, env, stderr: 'inherit' });
    const client = new Client(
      { name: 'interop', version: '1.0.0' },
      { versionNegotiation: { mode } },
    );
    if (refused) {
      // A token that does not count, or none: the SDK gives up, and says with which status.
      const listed = client.connect(transport).then(() => client.listTools());
      await assert.rejects(listed, (error) => error.status === refused);
      sessions += 1;
      continue;
    }
    await client.connect(transport);
    const spoken = client.getNegotiatedProtocolVersion();
    assert.equal(spoken, mode === 'legacy' ? '2025-11-25' : '2026-07-28');
    await STEPS[steps](client, plan.agent, sessions);
    await client.close();
    sessions += 1;
  }
}
console.log(`sessions: ${sessions}`);
