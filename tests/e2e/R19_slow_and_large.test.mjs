// R18, R19, R20: slow readers, long answers and large bodies cost bounded memory, and nobody else.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Raw, Upstream, ask, chat, chatStream, completion, eventually, pair, question, readStream, reply, sha256, slow } from './harness.mjs';

const MIB = 1024 * 1024;
const got = [];
const own = await Upstream.start((q, a, bytes) => {
  got.push({ bytes: bytes.length, hash: sha256(bytes) });
  if (got.length === 1) reply(a, 500, { error: { message: 'no' } });
  else reply(a, 200, completion('ok'));
});
const t = await pair({
  limits: { write_stall: `${1500 * slow}ms`, out_buffer: '64KiB', body_bytes: '48MiB' },
  providers: { own: { base_url: own.url } },
  models: { large: { strategy: 'ordered', targets: ['own/fails', 'own/answers'] } },
  retry: { attempts: 2, initial: '10ms' },
});
after(async () => {
  await t.stop();
  await own.stop();
});

const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${t.gw.pid}/status`, 'utf8'))[1]) * 1024;
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${t.gw.pid}/status`, 'utf8'))[1]) * 1024;
const body = (model, more) => JSON.stringify(question(model, more));

test('R19 clients that never read: the upstream waits, memory is bounded, others are served, the clients are cut', async () => {
  const model = 'sim?tokens=300000,size=300,tag=stalled'; // over 100 MB for each
  await chatStream(t.gw, 'sim/sim?tokens=2000,size=300');
  const before = rss();
  const stalled = await Promise.all(Array.from({ length: 20 }, async () => {
    const c = await Raw.to(t.gw.port);
    c.socket.pause();
    await c.post('/v1/chat/completions', question(`sim/${model}`, { stream: true }));
    return c;
  }));
  await eventually(async () => (await t.sim.log(model)).length === 20, 'all of them upstream');
  let highest = 0;
  const start = Date.now();
  while (Date.now() - start < 1000) {
    const r = await chat(t.gw, 'sim/sim?tokens=2');
    assert.equal(r.status, 200);
    highest = Math.max(highest, rss());
  }
  assert.ok(highest - before < 40 * MIB * slow, `${(highest - before) / MIB} MiB for 20 stalled streams`);
  await t.gw.idle(8000);
  const log = await t.sim.log(model);
  assert.ok(log.every((e) => e.peer_left), 'each upstream was left');
  assert.ok(log.every((e) => e.bytes_out < 30 * MIB), `the upstream wrote ${Math.max(...log.map((e) => e.bytes_out))} bytes`);
  stalled.forEach((c) => c.close());
});

test('R19 a client that reads slowly gets everything', async () => {
  const model = 'sim?tokens=20000,size=300,tag=slow-reader';
  const c = await Raw.to(t.gw.port);
  const drip = setInterval(() => (c.socket.isPaused() ? c.socket.resume() : c.socket.pause()), 20);
  await c.post('/v1/chat/completions', question(`sim/${model}`, { stream: true }));
  await c.has(/data: \[DONE\]\n\n/, 30_000);
  clearInterval(drip);
  c.close();
  assert.equal((await t.sim.only(model)).peer_left, false);
  assert.equal(c.text.match(/"finish_reason":"stop"/g).length, 1);
});

test('R18 a long answer does not stay in memory', async () => {
  await chatStream(t.gw, 'sim/sim?tokens=5000');
  const before = peak();
  const r = await readStream(t.gw.origin, '/v1/chat/completions', body('sim/sim?long,tokens=200000', { stream: true }));
  assert.equal(r.done, 1);
  assert.equal(r.chunks.length > 200_000, true);
  assert.ok(peak() - before < 24 * MIB * slow, `${(peak() - before) / MIB} MiB more`);
});

test('R20 a body of 30 MB goes upstream identical, to the second target too', async () => {
  const text = body('large', { user: 'A'.repeat(30 * MIB) });
  const before = peak();
  const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', Buffer.from(text));
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-attempts'], '2');
  for (const [i, name] of ['fails', 'answers'].entries()) {
    const expected = text.replace('"large"', `"${name}"`);
    assert.deepEqual(got[i], { bytes: expected.length, hash: sha256(expected) }, name);
  }
  assert.ok(peak() - before < (60 + 16) * MIB * slow, `${(peak() - before) / MIB} MiB more`);
});

test('R20 a large whole answer arrives identical', async () => {
  const r = await chat(t.gw, 'sim/sim?tokens=1,size=20000000');
  assert.equal(r.status, 200);
  assert.equal(r.json.choices[0].message.content.length, 20_000_000);
});
