// R5: silence is bridged by a sign of life at an event boundary, and the fallback goes on behind it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { Gateway, Simulator, chatStream, question } from './harness.mjs';

const sim = await Simulator.start();
const gateway = (mode) => Gateway.start({
  providers: { sim: { base_url: sim.url } },
  stream: { keepalive: '200ms', keepalive_mode: mode },
  models: {
    falls: { strategy: 'ordered', targets: ['sim/sim?ttft=700ms,error-first', 'sim/sim?tokens=5'] },
    fails: { strategy: 'ordered', targets: ['sim/sim?ttft=700ms,error-first', 'sim/sim?400'] },
  },
  retry: { attempts: 2 },
});
const comment = await gateway('comment');
const chunk = await gateway('chunk');
const off = await gateway('off');
after(async () => {
  for (const p of [comment, chunk, off, sim]) await p.stop();
});

const LATE = 'sim/sim?ttft=900ms,tokens=5';

test('R5 comments bridge the wait for the first token', async () => {
  const r = await chatStream(comment, LATE);
  assert.ok(r.comments.length >= 2, r.text);
  assert.ok(r.reads[0].at < 800, 'the first one comes long before the content');
  assert.match(r.reads[0].text, /^:/);
  assert.equal(r.done, 1);
  assert.equal(r.finish, 'stop');
  assert.equal(r.headers['content-type'].split(';')[0], 'text/event-stream');
});

test('R5 comments bridge a pause between two tokens, at event boundaries', async () => {
  const r = await chatStream(comment, 'sim/sim?tokens=3,gap=700ms,split-every-byte');
  assert.ok(r.comments.length >= 2, r.text);
  assert.equal(r.done, 1);
  assert.equal(r.errors.length, 0);
  assert.equal(r.said, (await chatStream(off, 'sim/sim?tokens=3')).said);
});

test('R5 empty chunks, where that is the mode, and the official SDK reads over them', async () => {
  const r = await chatStream(chunk, LATE);
  assert.equal(r.comments.length, 0);
  assert.ok(r.chunks.filter((c) => c.choices.length === 0 && !c.usage).length >= 2, r.text);
  assert.equal(r.done, 1);
  const client = new OpenAI({ baseURL: chunk.url, apiKey: 'none', maxRetries: 0 });
  let text = '';
  for await (const c of await client.chat.completions.create({ ...question(LATE), stream: true }))
    text += c.choices[0]?.delta?.content ?? '';
  assert.equal(text, r.said);
});

test('R5 nothing at all, where that is the mode', async () => {
  const r = await chatStream(off, LATE);
  assert.equal(r.comments.length, 0);
  assert.ok(r.reads[0].at >= 800, `the first byte came after ${r.reads[0].at} ms`);
  assert.equal(r.done, 1);
});

for (const [name, gw] of [['comments', comment], ['chunks', chunk]]) {
  test(`R5 the fallback goes on behind ${name}`, async () => {
    const r = await chatStream(gw, 'falls', {}, { headers: { 'x-request-id': `r5-falls-${name}` } });
    assert.equal(r.status, 200);
    assert.equal(r.errors.length, 0, r.text);
    assert.equal(r.finish, 'stop');
    assert.equal(r.done, 1);
    assert.equal(r.said, (await chatStream(off, 'sim/sim?tokens=5')).said);
    assert.equal((await gw.accessOf(`r5-falls-${name}`)).calls, 2);
  });

  test(`R5 when all fail behind ${name}, the error is in the stream, and no [DONE]`, async () => {
    const r = await chatStream(gw, 'fails');
    assert.equal(r.status, 200);
    assert.equal(r.errors.length, 1, r.text);
    assert.equal(r.done, 0);
    assert.equal(r.said, '');
  });
}

test('R5 without a keep-alive in the way, the fallback is answered with its own head', async () => {
  const r = await chatStream(off, 'falls');
  assert.equal(r.headers['x-dragoman-attempts'], '2');
  assert.equal(r.headers['x-dragoman-target'], 'sim/sim?tokens=5');
});

test("R5 an upstream's comments never become data", async () => {
  const r = await chatStream(off, 'sim/sim?tokens=20,comments');
  assert.equal(r.said, (await chatStream(off, 'sim/sim?tokens=20')).said);
});
