// Without a file: what is found here is used, and the simulator when nothing is.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { Gateway, ask, chat, chatStream } from './harness.mjs';

const answers = (port) => new Promise((done) => {
  const s = net.connect({ port, host: '127.0.0.1' });
  s.once('connect', () => (s.destroy(), done(true))).once('error', () => done(false));
});

test('the quick start needs no file and no account: the simulator answers, and says so', async (c) => {
  for (const port of [11434, 8000, 8080, 1234])
    if (await answers(port)) return c.skip(`a server of somebody's listens on ${port}`);
  const g = await Gateway.quick({});
  try {
    assert.match(g.stderr, /simulator/i);
    const line = await g.says(/curl -N (http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions) [^]*"model":"([^"]+)"/);
    assert.equal(line[1], `${g.url}/chat/completions`);
    const r = await chatStream(g, line[2]);
    assert.equal(r.status, 200, r.text);
    assert.equal(r.done, 1);
    assert.ok(r.said.length > 0);
    assert.ok((await ask(g.origin, 'GET', '/v1/models')).json.data.some((m) => m.id === line[2]));
  } finally {
    await g.stop();
  }
});

test('the quick start takes the keys it finds in the environment', async () => {
  const g = await Gateway.quick({ OPENAI_API_KEY: 'sk-from-the-environment-0123456789', ANTHROPIC_API_KEY: 'sk-ant-from-the-environment' });
  try {
    assert.match(g.stderr, /OpenAI/);
    assert.match(g.stderr, /Anthropic/);
    assert.doesNotMatch(g.stderr, /from-the-environment/);
    const ids = (await ask(g.origin, 'GET', '/v1/models')).json.data.map((m) => m.id);
    assert.ok(ids.some((id) => id.startsWith('openai/')), ids.join());
    assert.ok(ids.some((id) => id.startsWith('anthropic/')), ids.join());
  } finally {
    await g.stop();
  }
});

test('a gateway without client keys beyond loopback warns, once', async () => {
  const open = await Gateway.start({ listen: '0.0.0.0:0', providers: { x: { base_url: 'http://127.0.0.1:9/v1' } } });
  const closed = await Gateway.start({ listen: '0.0.0.0:0', providers: { x: { base_url: 'http://127.0.0.1:9/v1' } }, keys: [{ name: 'a', key: 'sk-12345678' }] });
  try {
    assert.equal(open.stderr.match(/WARN.*client keys/g)?.length, 1, open.stderr);
    assert.doesNotMatch(closed.stderr, /client keys/);
  } finally {
    await open.stop();
    await closed.stop();
  }
});

test('the admin port can be switched off', async () => {
  const g = await Gateway.start({ admin: 'off', providers: { x: { base_url: 'http://127.0.0.1:9/v1' } } });
  try {
    assert.doesNotMatch(g.stderr, /admin port/);
    assert.equal((await ask(g.origin, 'GET', '/v1/models')).status, 200);
  } finally {
    await g.stop();
  }
});

test('the admin port: methods and paths it does not know are told in JSON', async () => {
  const g = await Gateway.start({ providers: { x: { base_url: 'http://127.0.0.1:9/v1' } }, models: { m: { targets: ['x/a', 'x/b'] } } });
  try {
    assert.equal((await ask(g.admin, 'GET', '/livez')).text, 'ok\n');
    assert.deepEqual((await ask(g.admin, 'GET', '/readyz')).json, { ready: true });
    assert.equal((await ask(g.admin, 'POST', '/livez')).status, 405);
    assert.equal((await ask(g.admin, 'POST', '/livez')).headers.allow, 'GET, HEAD');
    assert.equal((await ask(g.admin, 'GET', '/v1/models')).json.error.code, 'unknown_url');
    const { models } = (await ask(g.admin, 'GET', '/admin/targets')).json;
    assert.deepEqual(models.map((m) => [m.model, m.targets.map((x) => x.target)]), [['m', ['x/a', 'x/b']]]);
    assert.equal((await chat(g, 'm')).status, 502);
    const after = (await ask(g.admin, 'GET', '/admin/targets')).json.models[0].targets;
    assert.ok(after.every((x) => x.rests_for_ms > 0 && x.last_fault === 'upstream_connect_failed'), JSON.stringify(after));
  } finally {
    await g.stop();
  }
});

test('log.level and log.access are heeded', async () => {
  const quiet = await Gateway.start({ log: { level: 'info', access: 'stderr' }, providers: { x: { base_url: 'http://127.0.0.1:9/v1' } } });
  try {
    await ask(quiet.origin, 'GET', '/v1/models', undefined, { headers: { 'x-request-id': 'in-stderr' } });
    await quiet.says(/in-stderr/);
    assert.equal(quiet.stdout, '');
    assert.doesNotMatch(quiet.stderr, /DEBUG/);
  } finally {
    await quiet.stop();
  }
});
