// Servers of OpenAI's dialect that take it otherwise: for a client of another API the request is
// written as they want it, and for one of the same API its bytes pass.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Gateway, Upstream, ask, chat, completion, question, reply } from './harness.mjs';

const asked = [];
const upstream = await Upstream.start((q, a, body) => {
  asked.push(JSON.parse(body));
  reply(a, 200, completion('hello'));
});
const provider = (server, more = {}) => ({ base_url: upstream.url, keys: ['sk-0123456789'], server, ...more });
const gw = await Gateway.start({
  threads: 1,
  providers: {
    plain: provider('plain'), mistral: provider('mistral'), groq: provider('groq'), deepseek: provider('deepseek'),
    perplexity: provider('perplexity'), asking: provider('mistral', { ask_usage: true }),
  },
  models: { 'tools-somewhere': { strategy: 'ordered', targets: ['perplexity/m', 'plain/m'] } },
});
after(async () => {
  await gw.stop();
  await upstream.stop();
});

const last = () => asked.at(-1);
const messages = (model, more = {}) =>
  ask(gw.origin, 'POST', '/v1/messages', question(model, { max_tokens: 50, ...more }));
const turn = [
  { role: 'user', content: 'How warm is it?' },
  { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_01ABCDEFGHIJ', name: 'f', input: {} }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_01ABCDEFGHIJ', content: '20' }] },
];
const tools = [{ name: 'f', input_schema: { type: 'object' } }];

test('Mistral is told what it takes, and the client what it is not told', async () => {
  const r = await messages('mistral/m', { messages: turn, tools, metadata: { user_id: 'u1' } });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-dropped-params'], 'user');
  assert.equal('user' in last(), false);
  const [call, result] = [last().messages[1].tool_calls[0].id, last().messages[2].tool_call_id];
  assert.match(call, /^[A-Za-z0-9]{9}$/);
  assert.equal(result, call);
});

test('a plain server is told all of it', async () => {
  const r = await messages('plain/m', { messages: turn, tools, metadata: { user_id: 'u1' } });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-dropped-params'], undefined);
  assert.equal(last().user, 'u1');
  assert.equal(last().messages[2].tool_call_id, 'toolu_01ABCDEFGHIJ');
});

for (const [provider, usage] of [['mistral', false], ['asking', true], ['groq', true], ['plain', true]])
  test(`R44 a chat's own bytes pass to ${provider}; usage is ${usage ? '' : 'not '}asked for`, async () => {
    const own = { seed: 1, logprobs: true, user: 'u1', n: 1 };
    await chat(gw, `${provider}/m`, { ...own, stream: true });
    const { stream_options: options, ...rest } = last();
    assert.deepEqual(rest, question('m', { ...own, stream: true }));
    assert.deepEqual(options, usage ? { include_usage: true } : undefined);
  });

test('who takes no tools is passed over when there are some', async () => {
  const r = await messages('tools-somewhere', { tools });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-target'], 'plain/m');
  const alone = await messages('perplexity/m', { tools });
  assert.equal(alone.status, 400);
  assert.match(alone.json.error.message, /perplexity takes no tools/);
});

test('the effective configuration says whose server it is', async () => {
  const r = await ask(gw.admin, 'GET', '/admin/config');
  assert.match(r.text, /server: mistral/);
});
