// R46: what a model of one maker thought and signed goes home byte for byte, and to nobody else, whichever API the client
// speaks and however like Anthropic's own it looks there.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { GoogleGenAI } from '@google/genai';
import { Gateway, Upstream, ask, completion, question, reply } from './harness.mjs';

const SIGNED = 'EqQB+/9z:k==', CALLED = 'CkQ/+A==', HIDDEN = 'Eg+/==', THOUGHT = 'Hm "so" é';
const claude = 'anthropic.claude-sonnet-4-5';
const usage = { input_tokens: 1, output_tokens: 1 };

/* One answer of each dialect: a thought, signed where that dialect signs, and a call. */
const answers = {
  anthropic: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_reason: 'tool_use', stop_sequence: null, usage,
    content: [{ type: 'thinking', thinking: THOUGHT, signature: SIGNED }, { type: 'redacted_thinking', data: HIDDEN },
      { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }] },
  gemini: { candidates: [{ index: 0, finishReason: 'STOP', content: { role: 'model', parts: [
    { text: THOUGHT, thought: true, thoughtSignature: SIGNED }, { functionCall: { name: 'f', args: {} }, thoughtSignature: CALLED }] } }] },
  bedrock: { output: { message: { role: 'assistant', content: [{ reasoningContent: { reasoningText: { text: THOUGHT, signature: SIGNED } } },
    { toolUse: { toolUseId: 'tooluse_1', name: 'f', input: {} } }] } }, stopReason: 'tool_use', usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } },
  ollama: { model: 'm', message: { role: 'assistant', content: '', thinking: THOUGHT, tool_calls: [{ function: { name: 'f', arguments: {} } }] },
    done: true, done_reason: 'stop' },
  openai: completion('', { choices: [{ index: 0, finish_reason: 'tool_calls', logprobs: null, message: { role: 'assistant', content: null, refusal: null,
    reasoning_content: THOUGHT, thinking_blocks: [{ type: 'thinking', thinking: THOUGHT, signature: SIGNED }],
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: CALLED } } }] } }] }),
};
let heard;
const own = await Upstream.start((q, a, body) => {
  heard = { url: q.url, text: body.toString(), body: JSON.parse(body) };
  if (q.url.includes('count_tokens')) return reply(a, 200, { input_tokens: 7 });
  const d = q.url.includes('/messages') ? 'anthropic' : q.url.includes(':generateContent') ? 'gemini'
    : q.url.includes('/converse') ? 'bedrock' : q.url.endsWith('/api/chat') ? 'ollama' : 'openai';
  return reply(a, 200, answers[d]);
});
const base = { anthropic: '/v1', gemini: '/v1beta', bedrock: '', ollama: '', openai: '/v1' };
const providers = Object.fromEntries(Object.keys(base).map((d) => [d, { dialect: d, base_url: own.origin + base[d], keys: ['k'],
  ...(d === 'bedrock' ? { region: 'us-east-1' } : {}) }]));
const gw = await Gateway.start({ providers });
const strict = await Gateway.start({ providers, translation: { strict: true } });
after(async () => {
  await gw.stop();
  await strict.stop();
  await own.stop();
});

const model = { anthropic: 'anthropic/claude-sonnet-4-5', gemini: 'gemini/gemini-3-pro', ollama: 'ollama/m', openai: 'openai/m',
  bedrock: 'bedrock/amazon.nova-2-lite', claude: `bedrock/${claude}` };
const dialectOf = (d) => (d === 'claude' ? 'bedrock' : d);
const schema = { type: 'object', properties: {} };
const q = { role: 'user', content: 'Where?' };
const clients = {
  chat: {
    path: '/v1/chat/completions', native: 'openai',
    first: (m) => ({ model: m, messages: [q], tools: [{ type: 'function', function: { name: 'f', parameters: schema } }] }),
    next: (body, r) => ({ ...body, messages: [q, r.choices[0].message, { role: 'tool', tool_call_id: r.choices[0].message.tool_calls[0].id, content: 'x' }] }),
    names: ['thinking', 'thought_signature', 'redacted_thinking', 'reasoning_content'],
  },
  messages: {
    path: '/v1/messages', native: 'anthropic',
    first: (m) => ({ model: m, max_tokens: 4096, messages: [q], tools: [{ name: 'f', input_schema: schema }] }),
    next: (body, r) => ({ ...body, messages: [q, { role: 'assistant', content: r.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: r.content.find((b) => b.type === 'tool_use').id, content: 'x' }] }] }),
    names: ['thinking', 'signature', 'redacted_thinking'],
  },
  responses: {
    path: '/v1/responses', native: 'responses',
    first: (m) => ({ model: m, input: [q], tools: [{ type: 'function', name: 'f', parameters: schema, strict: false }], store: false }),
    next: (body, r) => ({ ...body, input: [q, ...r.output, { type: 'function_call_output', call_id: r.output.find((i) => i.type === 'function_call').call_id, output: 'x' }] }),
    names: ['input.reasoning.encrypted_content', 'thinking', 'reasoning_content'],
  },
  gemini: {
    path: (m) => `/v1beta/models/${encodeURIComponent(m)}:generateContent`, native: 'gemini',
    first: () => ({ contents: [{ role: 'user', parts: [{ text: q.content }] }], tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: schema }] }] }),
    next: (body, r) => ({ ...body, contents: [...body.contents, r.candidates[0].content, { role: 'user', parts: r.candidates[0].content.parts
      .filter((p) => p.functionCall).map(({ functionCall: { id, name } }) => ({ functionResponse: { ...(id ? { id } : {}), name, response: { output: 'x' } } })) }] }),
    names: ['contents.parts.thought', 'contents.parts.thoughtSignature'],
  },
};
/* Gemini's clients name the model in the path. */
const send = (to, c, m, body) => (typeof c.path === 'function' ? ask(to.origin, 'POST', c.path(m), body) : ask(to.origin, 'POST', c.path, { ...body, model: m }));
/* Google's clients take a signature for bytes. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/* Whose models they are: Claude is Anthropic's wherever it runs. */
const maker = (d) => (d === 'claude' ? 'anthropic' : d);
const signs = { anthropic: [SIGNED, HIDDEN], claude: [SIGNED], bedrock: [SIGNED], gemini: [SIGNED, CALLED], openai: [SIGNED, CALLED], ollama: [] };

for (const [name, c] of Object.entries(clients))
  for (const from of Object.keys(model))
    test(`R46 ${name}: what ${from} signed goes home, and to nobody else`, async () => {
      const asked = c.first(model[from]);
      const first = await send(gw, c, model[from], asked);
      assert.equal(first.status, 200, first.text);
      for (const to of Object.keys(model)) {
        const body = c.next(asked, first.json);
        const r = await send(gw, c, model[to], body);
        const what = `${from} to ${to}: ${heard.text} ${r.headers['x-dragoman-dropped-params']}`;
        assert.equal(r.status, 200, r.text);
        assert.ok(!heard.text.includes('dragoman.'), what);
        const dropped = (r.headers['x-dragoman-dropped-params'] ?? '').split(', ').filter(Boolean);
        // Google's servers of OpenAI's dialect sign calls in a member that has their name.
        const google = name === 'chat' && from === 'openai' && to === 'gemini' ? [CALLED] : [];
        const told = signs[from].filter((s) => heard.text.includes(JSON.stringify(s)));
        if (maker(from) === maker(to)) {
          assert.deepEqual(told, signs[from], what);
          assert.deepEqual(dropped, [], what);
        } else {
          assert.deepEqual(told, google, what);
          if (signs[from].length > 0) assert.ok(dropped.some((n) => c.names.includes(n)), what);
          // An unsigned thought of another's is not Anthropic's to have, nor, where its origin is known, anybody's.
          if (name === 'messages' || to === 'anthropic') assert.ok(!heard.text.includes(JSON.stringify(THOUGHT).slice(1, -1)), what);
          const s = await send(strict, c, model[to], body);
          assert.equal(s.status, dropped.length > 0 ? 400 : 200, s.text);
        }
      }
    });

test('R46 tokens are counted without it, too', async () => {
  const asked = clients.messages.first(model.gemini);
  const first = await ask(gw.origin, 'POST', '/v1/messages', asked);
  const { max_tokens, ...body } = { ...clients.messages.next(asked, first.json), model: model.anthropic, thinking: { type: 'enabled', budget_tokens: 2048 } };
  const r = await ask(gw.origin, 'POST', '/v1/messages/count_tokens', body);
  assert.equal(r.status, 200, r.text);
  assert.deepEqual(r.json, { input_tokens: 7 });
  assert.match(heard.url, /count_tokens$/);
  assert.ok(!/dragoman|max_tokens|"thinking"|EqQB/.test(heard.text), heard.text);
  assert.deepEqual(heard.body.messages.map((m) => m.content[0].type ?? m.content), ['text', 'tool_use', 'tool_result']);
  assert.deepEqual(r.headers['x-dragoman-dropped-params'].split(', ').sort(), ['signature', 'thinking']);
  // What has no mark is counted as it came.
  const text = JSON.stringify({ ...body, messages: [q] }).replace('"tools"', ' "tools"');
  await ask(gw.origin, 'POST', '/v1/messages/count_tokens', text);
  assert.equal(heard.text, text.replace(model.anthropic, 'claude-sonnet-4-5'));
});

test('R44 Anthropic\'s own thinking passes to Anthropic as it came', async () => {
  const asked = clients.messages.first(model.anthropic);
  const first = await ask(gw.origin, 'POST', '/v1/messages', asked);
  assert.ok(!first.text.includes('dragoman'));
  const text = JSON.stringify(clients.messages.next(asked, first.json)).replace('"max_tokens"', ' "unheard_of" :1.50, "max_tokens"');
  await ask(gw.origin, 'POST', '/v1/messages', text);
  assert.equal(heard.text, text.replace(model.anthropic, 'claude-sonnet-4-5'));
});

test('R44 a mark that is but spoken of changes nothing', async () => {
  for (const [name, d] of [['messages', 'anthropic'], ['chat', 'openai']]) {
    const c = clients[name];
    const text = JSON.stringify(c.first(model[d])).replace('Where?', 'Who wrote dragoman.by.gemini: here?').replace('"messages"', ' "messages"');
    const r = await ask(gw.origin, 'POST', c.path, text);
    assert.equal(r.status, 200, r.text);
    assert.equal(heard.text, text.replace(model[d], model[d].split('/')[1]));
    assert.equal(r.headers['x-dragoman-dropped-params'], undefined);
  }
});

test("R44 what we cannot read passes to OpenAI's, whatever it speaks of", async () => {
  const text = JSON.stringify({ model: model.openai, messages: [{ role: 'oracle', content: [{ type: 'hologram', hologram: 'dragoman.by.gemini:' }] }] });
  const r = await ask(gw.origin, 'POST', '/v1/chat/completions', text);
  assert.equal(r.status, 200, r.text);
  assert.equal(heard.text, text.replace(model.openai, model.openai.split('/')[1]));
});

test('a body with a mark that cannot be read is refused with the place', async () => {
  const r = await ask(gw.origin, 'POST', '/v1/messages', { model: model.anthropic, max_tokens: 9, messages: [
    { role: 'assistant', content: [{ type: 'thinking', signature: 'dragoman.by.gemini:C' }] }] });
  assert.equal(r.status, 400);
  assert.match(r.text, /messages\.0\.content\.0\.thinking/);
});

test('the official SDKs join a marked signature as any other', async () => {
  const sdk = new Anthropic({ baseURL: gw.origin, apiKey: 'none', maxRetries: 0 });
  const { model: m, max_tokens, messages, tools } = clients.messages.first(model.gemini);
  const r = await sdk.messages.create({ model: m, max_tokens, messages, tools });
  assert.deepEqual(r.content.map((b) => b.signature), [`dragoman.by.gemini:${SIGNED}`, `dragoman.by.gemini:${CALLED}`]);
  const official = new OpenAI({ baseURL: gw.url, apiKey: 'none', maxRetries: 0 });
  const k = await official.chat.completions.create(question(model.gemini, { tools: clients.chat.first('m').tools }));
  assert.equal(k.choices[0].message.tool_calls[0].extra_content.google.thought_signature, `dragoman.by.gemini:${CALLED}`);
});

const signatures = (parts) => parts.filter((p) => p.thoughtSignature).map((p) => p.thoughtSignature);
const plain = (s) => Buffer.from(s.replace(/^redactedThinking/, ''), 'base64').toString();

for (const from of ['anthropic', 'openai', 'bedrock', 'claude'])
  test(`R46 to Google's clients what ${from} signed is base64, with the mark inside`, async () => {
    const r = await send(gw, clients.gemini, model[from], clients.gemini.first());
    const all = signatures(r.json.candidates[0].content.parts);
    // A call that nobody signed bears the mark alone.
    const bare = signs[from].includes(CALLED) ? [] : [''];
    assert.deepEqual(all.map(plain), [...signs[from], ...bare].map((s) => `dragoman.by.${maker(from)}:${s}`));
    for (const s of all) assert.match(s, BASE64);
  });

test('R46 a signature comes home from an SDK that writes base64 in its own way', async () => {
  const asked = clients.gemini.first(), first = await send(gw, clients.gemini, model.anthropic, asked);
  const text = JSON.stringify(clients.gemini.next(asked, first.json));
  const url = (s) => s.replaceAll('+', '-').replaceAll('/', '_');
  for (const [how, write] of [['in the other alphabet', url], ['unpadded', (s) => s.replace(/=+$/, '')], ['both', (s) => url(s).replace(/=+$/, '')],
    ['with escapes', (s) => s.replaceAll('/', '\\/').replaceAll('=', '\\u003d')]]) {
    const body = signatures(first.json.candidates[0].content.parts).reduce((t, s) => t.replace(s, write(s)), text);
    const r = await ask(gw.origin, 'POST', clients.gemini.path(model.anthropic), Buffer.from(body));
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(heard.body.messages[1].content.slice(0, 2), answers.anthropic.content.slice(0, 2), how);
    assert.equal(r.headers['x-dragoman-dropped-params'], undefined, how);
  }
});

test('R46 a thought that Claude signed and does not show comes home', async () => {
  const { content } = answers.anthropic, asked = clients.gemini.first();
  try {
    answers.anthropic.content = [{ type: 'thinking', thinking: '', signature: SIGNED }, content.at(-1)];
    const first = await send(gw, clients.gemini, model.anthropic, asked);
    const r = await send(gw, clients.gemini, model.anthropic, clients.gemini.next(asked, first.json));
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(heard.body.messages[1].content[0], answers.anthropic.content[0], first.text);
  } finally {
    answers.anthropic.content = content;
  }
});

test("R46 a gemini target hears Google's own signatures, and none of another maker's", async () => {
  const other = (await send(gw, clients.gemini, model.anthropic, clients.gemini.first())).json.candidates[0].content;
  const mine = [{ text: 'Hm.', thought: true, thoughtSignature: 'c2lnbjE=' }, { text: 'So.', thoughtSignature: 'c2lnbjI=' },
    { functionCall: { id: 'g', name: 'f', args: {} }, thoughtSignature: 'c2lnbjM=' }];
  const user = (...parts) => ({ role: 'user', parts }), answer = (id) => user({ functionResponse: { id, name: 'f', response: { output: 'x' } } });
  const body = { ...clients.gemini.first(), contents: [user({ text: 'a' }), { role: 'model', parts: mine }, answer('g'),
    { role: 'model', parts: [{ text: 'b' }] }, user({ text: 'c' }), other, answer(other.parts.at(-1).functionCall.id)] };
  const r = await send(gw, clients.gemini, model.gemini, body);
  assert.equal(r.status, 200, r.text);
  const sent = heard.body.contents.filter((c) => c.role === 'model').map((c) => signatures(c.parts));
  assert.deepEqual(sent, [['c2lnbjE=', 'c2lnbjI=', 'c2lnbjM='], [], ['skip_thought_signature_validator']], heard.text);
  assert.ok(!/ZHJhZ29tYW4u|redactedThinking|dragoman|Hm \\/.test(heard.text), heard.text);
  assert.deepEqual(r.headers['x-dragoman-dropped-params'].split(', ').sort(), ['contents.parts.thought', 'contents.parts.thoughtSignature']);
  const s = await send(strict, clients.gemini, model.gemini, body);
  assert.equal(s.status, 400);
  assert.match(s.json.error.message, /contents\.parts\.thought/);
  // Without the other's it passes, strict or not.
  const text = JSON.stringify({ ...body, contents: body.contents.slice(0, 5) }).replace('"contents"', ' "unheard_of" :1.50, "contents"');
  for (const to of [gw, strict]) {
    await ask(to.origin, 'POST', clients.gemini.path(model.gemini), Buffer.from(text));
    assert.equal(heard.text, text);
  }
});

test('R46 @google/genai carries what Claude signed home, and to no other', async () => {
  const sdk = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: gw.origin } }), { contents, tools } = clients.gemini.first();
  const say = (m, list) => sdk.models.generateContent({ model: encodeURIComponent(m), contents: list, config: { tools } });
  const first = await say(model.anthropic, contents);
  for (const s of signatures(first.candidates[0].content.parts)) assert.match(s, BASE64);
  const { contents: next } = clients.gemini.next({ contents }, first);
  await say(model.anthropic, next);
  assert.deepEqual(heard.body.messages[1].content.slice(0, 2), answers.anthropic.content.slice(0, 2));
  const there = await say(model.gemini, next);
  assert.ok(![SIGNED, HIDDEN, 'ZHJhZ29tYW4u', 'dragoman'].some((s) => heard.text.includes(s)), heard.text);
  assert.match(there.sdkHttpResponse.headers['x-dragoman-dropped-params'], /contents\.parts\.thought/);
});

test("R46 a gemini target takes a call that another maker's model made, strict or not, and nothing is lost", async () => {
  const asked = clients.gemini.first(), first = await send(gw, clients.gemini, model.ollama, asked), body = clients.gemini.next(asked, first.json);
  body.contents[1].parts = body.contents[1].parts.filter((p) => p.functionCall);
  for (const to of [gw, strict]) {
    const r = await send(to, clients.gemini, model.gemini, body);
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(signatures(heard.body.contents[1].parts), ['skip_thought_signature_validator'], heard.text);
    assert.equal(r.headers['x-dragoman-dropped-params'], undefined);
    assert.equal((await send(to, clients.gemini, model.anthropic, body)).headers['x-dragoman-dropped-params'], undefined);
  }
});
