// R6, R7: chunks are passed on one by one as they come, and usage only to who asked for it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chatStream, pair, question, sha256, slow } from './harness.mjs';

const t = await pair((sim) => ({
  providers: { plain: { base_url: sim.url, ask_usage: false } },
}));
after(() => t.stop());

test('R6 each chunk reaches the client by itself, in time and in order', async () => {
  const r = await chatStream(t.gw, 'sim/sim?tokens=8,gap=250ms');
  const alone = await chatStream(t.gw, 'sim/sim?tokens=8');
  assert.equal(r.said, alone.said, 'the order');
  const content = r.reads.filter((x) => /"content":"[^"]/.test(x.text));
  assert.equal(content.length, 8, 'one read for each token');
  const first = content[0].at;
  content.forEach((x, i) => {
    const due = first + i * 250;
    assert.ok(Math.abs(x.at - due) < 120 * slow, `token ${i} came ${x.at - due} ms off`);
  });
});

test('R6 nothing on the way is told to gather', async () => {
  const r = await chatStream(t.gw, 'sim/sim?tokens=2');
  assert.match(r.headers['content-type'], /^text\/event-stream/);
  assert.equal(r.headers['x-accel-buffering'], 'no');
  assert.match(r.headers['cache-control'], /no-cache/);
  assert.equal(r.headers['transfer-encoding'], 'chunked');
  assert.equal(r.headers['content-length'], undefined);
});

const body = (model, more) => JSON.stringify(question(model, { stream: true, ...more }));
const withUsage = (text) => text.replace('{', '{"stream_options":{"include_usage":true},');

test('R7 usage is asked of the upstream and kept from the client who did not ask', async () => {
  const model = 'sim?tokens=4,tag=usage-unasked';
  const r = await chatStream(t.gw, `sim/${model}`, {}, { headers: { 'x-request-id': 'r7-unasked' } });
  assert.equal(r.usage, null);
  assert.ok(r.chunks.every((c) => c.choices.length > 0), r.text);
  assert.equal(r.done, 1);
  assert.equal((await t.sim.only(model)).body_sha256, sha256(withUsage(body(model))));
  const { tokens } = await t.gw.accessOf('r7-unasked');
  assert.equal(tokens.source, 'reported');
  assert.equal(tokens.completion, 4);
});

test('R7 usage goes to the client who asked', async () => {
  const model = 'sim?tokens=4,tag=usage-asked';
  const asked = { stream_options: { include_usage: true } };
  const r = await chatStream(t.gw, `sim/${model}`, asked);
  assert.equal(r.usage.completion_tokens, 4);
  assert.equal(r.chunks.filter((c) => c.choices.length === 0).length, 1);
  assert.equal((await t.sim.only(model)).body_sha256, sha256(body(model, asked)), 'the body needs no edit');
});

test('R7 a client that said no is asked for all the same, and not told', async () => {
  const model = 'sim?tokens=4,tag=usage-refused';
  const r = await chatStream(t.gw, `sim/${model}`, { stream_options: { include_usage: false } });
  assert.equal(r.usage, null);
  assert.equal((await t.sim.only(model)).body_sha256,
    sha256(body(model, { stream_options: { include_usage: true } })));
});

test('R7 usage nobody asked for is passed on where asking is switched off', async () => {
  const model = 'sim?tokens=4,usage-present,tag=usage-off';
  const r = await chatStream(t.gw, `plain/${model}`);
  assert.equal(r.usage.completion_tokens, 4);
  assert.equal((await t.sim.only(model)).body_sha256, sha256(body(model)));
});

test('R7 a whole answer keeps its usage, and the request is not edited', async () => {
  const model = 'sim?tokens=4,tag=usage-whole';
  const text = JSON.stringify(question(model));
  const { chat } = await import('./harness.mjs');
  const r = await chat(t.gw, `sim/${model}`);
  assert.equal(r.json.usage.completion_tokens, 4);
  assert.equal((await t.sim.only(model)).body_sha256, sha256(text));
});

test('R2 an explicit zero stays zero, and absence says so', async () => {
  await chatStream(t.gw, 'sim/sim?tokens=4,usage-zero', {}, { headers: { 'x-request-id': 'zero' } });
  await chatStream(t.gw, 'sim/sim?tokens=4,usage-absent', {}, { headers: { 'x-request-id': 'absent' } });
  assert.deepEqual((await t.gw.accessOf('zero')).tokens, { source: 'reported', prompt: 0, completion: 0 });
  assert.deepEqual((await t.gw.accessOf('absent')).tokens, { source: 'absent' });
});
