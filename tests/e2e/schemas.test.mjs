// What leaves the gateway is valid by OpenAI's own description, also where it was the gateway that wrote
// it: errors, model lists, mended tool calls, signs of life.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertValid as valid } from './descriptions.mjs';
import { Gateway, Raw, ask, chat, chatStream, pair, question } from './harness.mjs';

const assertValid = (name, value) => valid(`chat:${name}`, value);

const t = await pair({
  retry: { attempts: 1 },
  timeouts: { first_content: '400ms', headers: '400ms' },
  limits: { body_bytes: '64KiB', header_bytes: '8KiB', json_depth: 16 },
  models: { chat: { targets: ['sim/sim?tokens=3'] } },
});
const lively = await Gateway.start({ providers: { sim: { base_url: t.sim.url } }, stream: { keepalive: '100ms', keepalive_mode: 'chunk' } });
after(async () => {
  await lively.stop();
  await t.stop();
});

test('the schemas can refuse', () => {
  assert.throws(() => assertValid('ErrorResponse', { error: { message: 'x' } }));
  assert.throws(() => assertValid('CreateChatCompletionStreamResponse', { id: 'x', choices: [{ delta: {} }] }));
});

test('every error is an ErrorResponse', async () => {
  const post = (path, body, options) => ask(t.gw.origin, 'POST', path, body, options);
  const answers = [
    await ask(t.gw.origin, 'GET', '/nothing'), await ask(t.gw.origin, 'GET', '/v1/chat/completions'),
    await ask(t.gw.origin, 'GET', '/v1/models/nothing'), await chat(t.gw, 'nothing'), await chat(t.gw, 7),
    await post('/v1/chat/completions', Buffer.from('{')), await post('/v1/chat/completions', {}),
    await post('/v1/chat/completions', question('chat', { z: 'x'.repeat(70000) })),
    await post('/v1/chat/completions', Buffer.from(`{"a":${'['.repeat(20)}${']'.repeat(20)}}`)),
    await chat(t.gw, 'chat', {}, { headers: { x: 'y'.repeat(10000) } }),
    await chat(t.gw, 'chat', {}, { headers: { 'x-dragoman-timeout-ms': 'x' } }),
    await post('/v1/files', Buffer.from('x'), { headers: { 'x-dragoman-provider': 'nobody' } }),
  ];
  for (const f of ['401', '429', '500', '502', '503', '529', 'html', 'null', 'empty-choices', 'refuse', 'silent', 'error-in-200'])
    for (const stream of [false, true]) answers.push(await chat(t.gw, `sim/sim?${f}`, { stream }));
  for (const r of answers) {
    assert.ok(r.status >= 400);
    assertValid('ErrorResponse', r.json);
    assert.equal(typeof r.json.error.code, 'string', 'with a code, always');
  }
  const c = await Raw.to(t.gw.port);
  await c.send('nonsense\r\n\r\n');
  const text = await c.end();
  assertValid('ErrorResponse', JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)));
  c.close();
});

test('an error inside a stream is an ErrorResponse', async () => {
  const r = await chatStream(t.gw, 'sim/sim?cut-rst,after=2,tokens=5');
  assertValid('ErrorResponse', JSON.parse(r.events.at(-1).data));
});

test('lists of models, and models', async () => {
  assertValid('ListModelsResponse', (await ask(t.gw.origin, 'GET', '/v1/models')).json);
  assertValid('Model', (await ask(t.gw.origin, 'GET', '/v1/models/chat')).json);
});

for (const script of ['tokens=5', 'tools-parallel,calls=3', 'tools-interleaved,calls=3', 'tools-all-index-0,calls=3', 'tools-no-index,calls=3',
  'tools-whole,calls=3', 'usage-every-chunk,tokens=3', 'usage-in-last-choice,tokens=3']) {
  test(`every chunk of ${script}, mended or not`, async () => {
    for (const more of [{}, { stream_options: { include_usage: true } }]) {
      const r = await chatStream(t.gw, `sim/sim?${script}`, more);
      assert.ok(r.chunks.length > 2);
      for (const c of r.chunks) assertValid('CreateChatCompletionStreamResponse', c);
    }
  });
}

test('the chunk that is a sign of life', async () => {
  const r = await chatStream(lively, 'sim/sim?ttft=350ms,tokens=2');
  const empty = r.chunks.filter((c) => c.choices.length === 0);
  assert.ok(empty.length > 0);
  for (const c of r.chunks) assertValid('CreateChatCompletionStreamResponse', c);
});

test('whole answers', async () => {
  assertValid('CreateChatCompletionResponse', (await chat(t.gw, 'chat')).json);
  assertValid('CreateChatCompletionResponse', (await chat(t.gw, 'sim/sim?tools-parallel,calls=2')).json);
  assertValid('CreateCompletionResponse', (await ask(t.gw.origin, 'POST', '/v1/completions', { model: 'chat', prompt: 'x' })).json);
  assertValid('CreateEmbeddingResponse', (await ask(t.gw.origin, 'POST', '/v1/embeddings', { model: 'sim/sim-embedding', input: 'x' })).json);
});
