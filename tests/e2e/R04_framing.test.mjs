// R4: however the upstream's bytes are framed and cut, the client gets the same text and the same
// usage is recorded; only data that is exactly [DONE] ends a stream.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { chatStream, pair, question } from './harness.mjs';

const t = await pair({ limits: { event_bytes: '64KiB' } });
after(() => t.stop());

const openai = new OpenAI({ baseURL: t.gw.url, apiKey: 'none', maxRetries: 0 });
const usageAsked = { stream_options: { include_usage: true } };

async function run(script, id) {
  const r = await chatStream(t.gw, `sim/sim?${script}`, usageAsked, { headers: { 'x-request-id': id } });
  const { tokens } = await t.gw.accessOf(id);
  return { r, tokens };
}

async function sdkText(script) {
  let text = '';
  const stream = await openai.chat.completions.create({ ...question(`sim/sim?${script}`), stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  return text;
}

const tokens = 'tokens=60'; // the simulator's vocabulary is beyond ASCII in a third of its words
const plain = await run(tokens, 'r4-plain');

test('R4 the undisturbed run is what it should be', () => {
  assert.equal(plain.r.finish, 'stop');
  assert.equal(plain.r.done, 1);
  assert.equal(plain.r.usage.completion_tokens, 60);
  assert.equal(plain.tokens.source, 'reported');
  assert.equal(plain.tokens.completion, 60);
  assert.match(plain.r.said, /[^\x00-\x7f]/);
});

for (const fault of [
  'split-every-byte', 'crlf', 'cr', 'no-space', 'glued', 'comments', 'split-utf8',
  'split-every-byte,crlf', 'split-every-byte,cr,no-space', 'split-every-byte,comments',
  'glued,crlf,comments', 'split-utf8,cr,comments', 'glued,cr,no-space',
]) {
  test(`R4 ${fault} gives the same text, usage and end`, async () => {
    const { r, tokens: recorded } = await run(`${tokens},${fault}`, `r4-${fault}`);
    assert.equal(r.errors.length, 0, r.text);
    assert.equal(r.said, plain.r.said);
    assert.equal(r.finish, 'stop');
    assert.equal(r.done, 1);
    assert.equal(r.unfinished, false);
    assert.deepEqual(r.usage, plain.r.usage);
    assert.deepEqual(recorded, plain.tokens);
    assert.equal(await sdkText(`${tokens},${fault}`), plain.r.said, 'as the official SDK reads it');
  });
}

test('R4 a [DONE] inside the text ends nothing', async () => {
  const { r } = await run(`${tokens},done-inside-text`, 'r4-done-inside');
  assert.ok(r.said.includes('[DONE]'));
  assert.ok(r.said.includes('\n\ndata: [DONE]\n\n'));
  assert.equal(r.finish, 'stop');
  assert.equal(r.done, 1);
  assert.equal(r.usage.completion_tokens, 62);
  assert.equal(await sdkText(`${tokens},done-inside-text`), r.said);
});

test('R4 an event larger than limits.event_bytes is refused, not gathered', async () => {
  const r = await chatStream(t.gw, 'sim/sim?big-event,size=1000000', {}, { headers: { 'x-dragoman-timeout-ms': '20000' } });
  assert.equal(r.status, 502, r.text.slice(0, 300));
  assert.equal(r.json.error.code, 'upstream_bad_response');
  assert.match(r.json.error.message, /limits\.event/);
});

test('R4 an event just below limits.event_bytes passes', async () => {
  const r = await chatStream(t.gw, 'sim/sim?tokens=2,size=60000');
  assert.equal(r.status, 200);
  assert.equal(r.said.length, 120000);
  assert.equal(r.done, 1);
});
