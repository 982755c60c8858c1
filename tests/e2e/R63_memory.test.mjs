// R63: limits.exchange_bytes, at whatever point of a request it is reached, costs that request alone.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Raw, ask, chat, pair, question } from './harness.mjs';

test('R63 a request that uses up its memory ends alone, wherever it happens', async () => {
  const t = await pair({ limits: { exchange_bytes: '64KiB' } });
  const seen = new Set();
  for (let bytes = 12_000; bytes < 66_000; bytes += 400) {
    const client = await Raw.to(t.gw.port);
    await client.post('/v1/chat/completions', question('sim/sim?tokens=2', { stream: true }),
      `Connection: close\r\nx-filler: ${'f'.repeat(bytes)}\r\n`);
    await client.end();
    const status = /^HTTP\/1\.1 (\d+)/.exec(client.text)?.[1] ?? 'closed';
    if (status === '503') assert.match(client.text, /"error":\{"message":"[^"]*limits\.exchange_bytes/);
    seen.add(status);
    t.gw.assertHealthy();
  }
  assert.deepEqual([...seen].sort(), ['200', '431', '503']); // and never closed without a word
  const told = t.gw.access.filter((l) => l.status === 503);
  assert.ok(told.length > 0 && told.every((l) => l.outcome === 'gateway_overloaded'), JSON.stringify(told));
  await t.gw.idle();
  assert.equal((await chat(t.gw, 'sim/sim')).status, 200);
  await t.stop();
});

test('R63 a name of a model that no header could hold is refused', async () => {
  const t = await pair();
  const r = await chat(t.gw, `sim/${'m'.repeat(5000)}`);
  assert.equal(r.status, 400);
  assert.equal(r.json.error.param, 'model');
  await t.stop();
});

test('R63 what a translation holds beside the body is limited with it, and given back', async () => {
  const t = await pair((sim) => ({
    limits: { in_flight_bytes: '1MiB' },
    providers: { other: { dialect: 'anthropic', base_url: sim.url, keys: ['sk-ant'] } },
  }));
  const messages = (bytes) => ({ messages: [{ role: 'user', content: 'x'.repeat(bytes) }], max_tokens: 5 });
  const large = await chat(t.gw, 'other/sim', messages(700_000));
  assert.equal(large.status, 503);
  assert.match(large.json.error.message, /limits\.in_flight_bytes/);
  assert.equal((await chat(t.gw, 'sim/sim', messages(700_000))).status, 200); // not translated: held once
  for (let i = 0; i < 12; i++) {
    assert.equal((await chat(t.gw, 'other/sim', messages(300_000))).status, 200);
    assert.equal((await chat(t.gw, 'other/sim', { ...messages(300_000), stream: true })).status, 200);
  }
  await t.stop();
});

test('R63 a body that another maker\'s thinking is cut out of is held twice, and counted so', async () => {
  const t = await pair((sim) => ({
    limits: { in_flight_bytes: '1MiB' },
    providers: { own: { base_url: sim.url, api: 'responses' } },
  }));
  const sealed = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'dragoman.signature:dragoman.by.anthropic:x' };
  const send = (bytes) => ask(t.gw.origin, 'POST', '/v1/responses', { model: 'own/sim', store: false,
    input: [{ role: 'user', content: 'x'.repeat(bytes) }, sealed, { role: 'user', content: 'and?' }], max_output_tokens: 20 });
  const large = await send(700_000);
  assert.equal(large.status, 503, large.text);
  assert.match(large.json.error.message, /limits\.in_flight_bytes/);
  for (let i = 0; i < 12; i++) {
    const r = await send(200_000);
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['x-dragoman-dropped-params'], 'input.reasoning.encrypted_content');
  }
  await t.stop();
});
