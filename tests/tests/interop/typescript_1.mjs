// The official TypeScript SDK 1.x. Usage: typescript_1.mjs PLAN, see session.rs.

import { createRequire } from 'node:module';
import { STEPS } from './steps.mjs';

const require = createRequire(`${process.env.APORT_NODE_PACKAGES}/`);
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
const {
  StreamableHTTPClientTransport,
} = require('@modelcontextprotocol/sdk/client/streamableHttp.js');

const plan = JSON.parse(process.argv[2]);
let sessions = 0;
for (const { steps, command, env, url, token } of plan.servers) {
  const transport = url
    ? new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers: token ? { Authorization: `Bearer ${token}` } : {} },
      })
    : new StdioClientTransport({ command, env, stderr: 'inherit' });
  const client = new Client({ name: 'interop', version: '1.0.0' });
  await client.connect(transport);
  await STEPS[steps](client, plan.agent, sessions);
  await client.close();
  sessions += 1;
}
console.log(`sessions: ${sessions}`);
