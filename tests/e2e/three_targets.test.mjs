// R10, R45, R46: a conversation with tools, images and thinking goes on at another provider with each request, because those
// before it are down. Whoever is asked gets a request that is valid there and says all that was said; what a model signed
// comes back to its maker alone, byte for byte; and the client, an official SDK, sends back what it was given.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { GoogleGenAI } from '@google/genai';
import { PIXEL, joined } from './clients.mjs';
import { addTypes, wrongBy } from './descriptions.mjs';
import { Gateway, Simulator } from './harness.mjs';

// ---- between the gateway and the simulator: who is down, and what is said ----

const sim = await Simulator.start();
const wire = { down: new Set(), asked: [], signed: { anthropic: new Set(), gemini: new Set(), openai: new Set(), ollama: new Set(), responses: new Set() } };
const dialectOf = (url) => (url.includes('/messages') ? 'anthropic' : url.includes('Content') ? 'gemini' : url.includes('/converse') ? 'bedrock'
  : url.endsWith('/api/chat') ? 'ollama' : url.endsWith('/responses') ? 'responses' : 'openai');
/* Claude is Anthropic's at Amazon's, too. */
const makerOf = (dialect) => (dialect === 'bedrock' ? 'anthropic' : dialect);
const tap = http.createServer((q, a) => {
  const parts = [];
  q.on('data', (d) => parts.push(d));
  q.on('end', () => {
    const body = Buffer.concat(parts), dialect = dialectOf(q.url);
    wire.asked.push({ dialect, text: body.toString(), body: JSON.parse(body), down: wire.down.has(dialect) });
    if (wire.down.has(dialect)) return a.writeHead(503).end('{}');
    const on = http.request(`${sim.origin}${q.url}`, { method: q.method, headers: { ...q.headers, 'accept-encoding': 'identity' } }, (r) => {
      let said = '';
      a.writeHead(r.statusCode, r.headers);
      r.on('data', (d) => (said += d.toString('latin1'), a.write(d)));
      r.on('end', () => {
        for (const [, s] of said.matchAll(/"(?:signature|thoughtSignature|encrypted_content)":\s*"([^"]+)"/g)) wire.signed[makerOf(dialect)].add(s);
        a.end();
      });
    });
    on.end(body);
  });
});
await new Promise((listens) => tap.listen(0, '127.0.0.1', listens));
const origin = `http://127.0.0.1:${tap.address().port}`;

const providers = {
  openai: { dialect: 'openai', base_url: `${origin}/v1` },
  anthropic: { dialect: 'anthropic', base_url: `${origin}/v1`, keys: ['k'] },
  gemini: { dialect: 'gemini', base_url: `${origin}/v1beta`, keys: ['k'] },
  bedrock: { dialect: 'bedrock', base_url: origin, region: 'us-east-1', key: 'k' },
  ollama: { dialect: 'ollama', base_url: origin },
  responses: { dialect: 'openai', base_url: `${origin}/v1`, api: 'responses' },
};
const named = { openai: 'sim', anthropic: 'claude-sonnet-4-5', gemini: 'gemini-3-sim', bedrock: 'anthropic.claude-sonnet-4-5-sim', ollama: 'sim', responses: 'sim' };
const orders = [
  ['anthropic', 'gemini', 'openai'], ['gemini', 'openai', 'anthropic'], ['openai', 'anthropic', 'gemini'],
  ['anthropic', 'gemini', 'openai', 'bedrock'], ['bedrock', 'openai', 'gemini', 'anthropic'], ['ollama', 'bedrock', 'anthropic', 'gemini', 'openai'],
  ['responses', 'anthropic', 'gemini'], ['gemini', 'responses', 'openai'], ['openai', 'bedrock', 'responses', 'ollama'],
];
const models = {};
for (const order of orders)
  for (const [does, script] of [['calls', 'reasoning=5,tools-parallel,calls=2'], ['says', 'reasoning=5,tokens=4']])
    models[`${order.join('-')}:${does}`] = { strategy: 'ordered', targets: order.map((d) => `${d}/${named[d]}?${script}`) };
const gw = await Gateway.start({ providers, models, retry: { attempts: 9, target_rest: '0', key_bench: '0' } });
after(async () => {
  await gw.stop();
  await sim.stop();
  tap.close();
  tap.closeAllConnections();
});

// ---- the clients ----

const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const ask = (n) => `Question ${n}, with "quotes" and é?`;
const openai = new OpenAI({ baseURL: gw.url, apiKey: 'none', maxRetries: 0 });
const claude = new Anthropic({ baseURL: gw.origin, apiKey: 'none', maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: gw.origin } });
await addTypes('chat-sdk', 'openai/resources/chat/completions/completions.d.ts', ['ChatCompletionMessageParam']);
await addTypes('responses-sdk', 'openai/resources/responses/responses.d.ts', ['ResponseInputItem']);
await addTypes('messages-sdk', '@anthropic-ai/sdk/resources/messages/messages.d.ts', ['MessageParam']);
await addTypes('google-sdk', '@google/genai/dist/genai.d.ts', ['Content']);

const clients = {
  chat: {
    type: 'chat-sdk:ChatCompletionMessageParam',
    asks: (n) => [{ role: 'user', content: [{ type: 'text', text: ask(n) }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }] }],
    async send(model, messages, stream) {
      const body = { model, messages, reasoning_effort: 'low', tools: [{ type: 'function', function: { name: 'weather', parameters } }] };
      if (!stream) {
        const { data, response } = await openai.chat.completions.create(body).withResponse();
        return { items: [data.choices[0].message], headers: response.headers };
      }
      const runner = openai.chat.completions.stream(body), rest = joined(runner);
      const { parsed, ...message } = (await runner.finalChatCompletion()).choices[0].message;
      message.tool_calls = message.tool_calls?.map(({ function: { parsed_arguments, ...f }, ...c }) => ({ ...c, function: f }));
      return { items: [JSON.parse(JSON.stringify({ ...message, ...rest }))] };
    },
    calls: ([m]) => (m.tool_calls ?? []).map((c) => c.id),
    answers: (ids) => ids.map((id) => ({ role: 'tool', tool_call_id: id, content: `sunny ${id}` })),
    said: (items) => items.map((m) => m.role === 'tool' ? ['user', '', [], [m.tool_call_id], 0]
      : m.role === 'user' ? ['user', m.content[0].text, [], [], 1]
        : ['assistant', m.content ?? '', (m.tool_calls ?? []).map((c) => [c.function.name, JSON.parse(c.function.arguments)]), [], 0]),
  },
  messages: {
    type: 'messages-sdk:MessageParam',
    asks: (n) => [{ role: 'user', content: [{ type: 'text', text: ask(n) }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } }] }],
    async send(model, messages, stream) {
      const body = { model, messages, max_tokens: 4096, thinking: { type: 'enabled', budget_tokens: 1024 }, tools: [{ name: 'weather', input_schema: parameters }] };
      const { data, response } = stream ? { data: await claude.messages.stream(body).finalMessage() } : await claude.messages.create(body).withResponse();
      return { items: [{ role: 'assistant', content: data.content }], headers: response?.headers };
    },
    calls: ([m]) => m.content.filter((b) => b.type === 'tool_use').map((b) => b.id),
    answers: (ids) => [{ role: 'user', content: ids.map((id) => ({ type: 'tool_result', tool_use_id: id, content: `sunny ${id}` })) }],
    said: (items) => items.map((m) => [m.role, m.content.filter((b) => b.type === 'text').map((b) => b.text).join(''),
      m.content.filter((b) => b.type === 'tool_use').map((b) => [b.name, b.input]),
      m.content.filter((b) => b.type === 'tool_result').map((b) => b.tool_use_id), m.content.filter((b) => b.type === 'image').length]),
  },
  responses: {
    type: 'responses-sdk:ResponseInputItem',
    asks: (n) => [{ role: 'user', content: [{ type: 'input_text', text: ask(n) }, { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}`, detail: 'auto' }] }],
    async send(model, input, stream) {
      const body = { model, input, store: false, include: ['reasoning.encrypted_content'], reasoning: { effort: 'low', summary: 'auto' },
        tools: [{ type: 'function', name: 'weather', parameters, strict: false }] };
      const { data, response } = stream ? { data: await openai.responses.stream(body).finalResponse() } : await openai.responses.create(body).withResponse();
      const plain = data.output.map(({ parsed_arguments, ...i }) => i);
      return { items: JSON.parse(JSON.stringify(plain, (k, v) => (k === 'parsed' ? undefined : v))), headers: response?.headers };
    },
    calls: (items) => items.filter((i) => i.type === 'function_call').map((i) => i.call_id),
    answers: (ids) => ids.map((call_id) => ({ type: 'function_call_output', call_id, output: `sunny ${call_id}` })),
    said: (items) => items.filter((i) => i.type !== 'reasoning').map((i) => i.type === 'function_call' ? ['assistant', '', [[i.name, JSON.parse(i.arguments)]], [], 0]
      : i.type === 'function_call_output' ? ['user', '', [], [i.call_id], 0]
        : i.role === 'user' ? ['user', i.content[0].text, [], [], 1] : ['assistant', i.content.map((p) => p.text).join(''), [], [], 0]),
  },
  gemini: {
    type: 'google-sdk:Content',
    asks: (n) => [{ role: 'user', parts: [{ text: ask(n) }, { inlineData: { mimeType: 'image/png', data: PIXEL } }] }],
    async send(model, contents, stream) {
      const body = { model: encodeURIComponent(model), contents, config: { thinkingConfig: { thinkingBudget: 1024, includeThoughts: true },
        tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: parameters }] }] } };
      const parts = [];
      if (!stream) {
        const r = await google.models.generateContent(body);
        return { items: [r.candidates[0].content], headers: new Headers(r.sdkHttpResponse.headers) };
      }
      for await (const r of await google.models.generateContentStream(body)) parts.push(...(r.candidates[0].content?.parts ?? []));
      return { items: [{ role: 'model', parts }] };
    },
    calls: ([m]) => m.parts.filter((p) => p.functionCall).map((p) => p.functionCall.id),
    answers: (ids) => [{ role: 'user', parts: ids.map((id) => ({ functionResponse: { ...(id ? { id } : {}), name: 'weather', response: { output: `sunny ${id}` } } })) }],
    said: (items) => items.map(({ role, parts }) => [role === 'model' ? 'assistant' : 'user', parts.filter((p) => !p.thought).map((p) => p.text ?? '').join(''),
      parts.filter((p) => p.functionCall).map((p) => [p.functionCall.name, p.functionCall.args]),
      parts.filter((p) => p.functionResponse).map((p) => p.functionResponse.id), images(parts, (p) => p.inlineData)]),
  },
};

/** Neighbours of one side are one turn; only the number of a turn's results counts, since ids may be written otherwise. */
function turns(said) {
  const all = [];
  for (const [role, text, calls, results, images] of said)
    if (all.at(-1)?.role === role) {
      const t = all.at(-1);
      t.text += text, t.calls.push(...calls), t.results += results.length, t.images += images;
    } else all.push({ role, text, calls: [...calls], results: results.length, images });
  return all;
}

// ---- what each provider takes ----

const images = (parts, is) => parts.filter(is).length;
/* Calls are answered in the turn right behind them, all, and before anything else is said. */
function assertAnswered(calls, results, what) {
  assert.deepEqual([...results].sort(), [...calls].sort(), what);
}
function assertAlternate(roles, first) {
  roles.forEach((r, i) => assert.equal(r === first, i % 2 === 0, `${roles}`));
}

const checks = {
  /** Each gives what was said, once it is seen to be valid, and what was signed. */
  openai({ messages }) {
    const said = [], signed = [];
    let open = [];
    for (const m of messages) {
      if (m.role === 'tool') {
        assert.ok(open.includes(m.tool_call_id), `an answer to no call: ${m.tool_call_id}`);
        open = open.filter((id) => id !== m.tool_call_id);
      } else assert.deepEqual(open, [], 'a call without its answer right behind it');
      const parts = Array.isArray(m.content) ? m.content : [{ type: 'text', text: m.content ?? '' }];
      for (const p of parts) if (p.type === 'image_url') assert.match(p.image_url.url, /^data:image\/png;base64,iVBOR/);
      open.push(...(m.tool_calls ?? []).map((c) => c.id));
      signed.push(...(m.thinking_blocks ?? []).map((b) => b.signature), ...(m.tool_calls ?? []).flatMap((c) => c.extra_content?.google?.thought_signature ?? []));
      said.push([m.role === 'assistant' ? 'assistant' : 'user', m.role === 'tool' ? '' : parts.map((p) => p.text ?? '').join(''),
        (m.tool_calls ?? []).map((c) => [c.function.name, JSON.parse(c.function.arguments)]), m.role === 'tool' ? [m.tool_call_id] : [],
        images(parts, (p) => p.type === 'image_url')]);
    }
    assert.deepEqual(open, []);
    return { said, signed };
  },
  anthropic({ messages, thinking }) {
    const said = [], signed = [];
    let calls = [];
    assertAlternate(messages.map((m) => m.role), 'user');
    for (const [i, m] of messages.entries()) {
      const of = (type) => m.content.filter((b) => b.type === type), results = of('tool_result');
      assertAnswered(calls, results.map((b) => b.tool_use_id), 'results');
      assert.ok(m.content.slice(0, results.length).every((b) => b.type === 'tool_result'), 'results come first');
      for (const b of of('image')) assert.deepEqual([b.source.type, b.source.media_type, b.source.data], ['base64', 'image/png', PIXEL]);
      for (const b of of('thinking')) assert.deepEqual(Object.keys(b), ['type', 'thinking', 'signature']);
      for (const b of of('tool_use')) assert.match(b.id, /^[a-zA-Z0-9_-]+$/);
      for (const b of of('tool_use')) assert.equal(b.signature, undefined);
      if (m.role === 'assistant' && i === messages.length - 2 && of('tool_use').length > 0 && thinking?.type === 'enabled')
        assert.match(m.content[0].type, /thinking/, 'a turn that goes on begins with its thoughts');
      calls = of('tool_use').map((b) => b.id);
      signed.push(...of('thinking').map((b) => b.signature));
      said.push([m.role, of('text').map((b) => b.text).join(''), of('tool_use').map((b) => [b.name, b.input]), results.map((b) => b.tool_use_id), of('image').length]);
    }
    assert.deepEqual(calls, []);
    return { said, signed };
  },
  gemini({ contents }) {
    const said = [], signed = [];
    let calls = [];
    assertAlternate(contents.map((c) => c.role), 'user');
    for (const { role, parts } of contents) {
      const of = (key) => parts.filter((p) => p[key]).map((p) => p[key]);
      assertAnswered(calls, of('functionResponse').map((f) => `${f.id} ${f.name}`), 'responses');
      calls = of('functionCall').map((f) => `${f.id} ${f.name}`);
      for (const d of of('inlineData')) assert.deepEqual(d, { mimeType: 'image/png', data: PIXEL });
      if (calls.length > 0) assert.ok(parts.find((p) => p.functionCall).thoughtSignature, 'Gemini 3 wants the first call signed');
      signed.push(...of('thoughtSignature').filter((s) => s !== 'skip_thought_signature_validator'));
      said.push([role === 'model' ? 'assistant' : 'user', parts.filter((p) => !p.thought).map((p) => p.text ?? '').join(''),
        of('functionCall').map((f) => [f.name, f.args]), of('functionResponse').map((f) => f.id), of('inlineData').length]);
    }
    return { said, signed };
  },
  bedrock({ messages, additionalModelRequestFields: more }) {
    const said = [], signed = [];
    let calls = [];
    assertAlternate(messages.map((m) => m.role), 'user');
    for (const [i, { role, content }] of messages.entries()) {
      const of = (key) => content.filter((b) => b[key]).map((b) => b[key]), results = of('toolResult');
      assertAnswered(calls, results.map((r) => r.toolUseId), 'results');
      assert.ok(content.slice(0, results.length).every((b) => b.toolResult), 'results come first');
      calls = of('toolUse').map((u) => u.toolUseId);
      for (const g of of('image')) assert.deepEqual(g, { format: 'png', source: { bytes: PIXEL } });
      if (role === 'assistant' && i === messages.length - 2 && calls.length > 0 && more?.thinking?.type === 'enabled')
        assert.ok(content[0].reasoningContent, 'a turn that goes on begins with its thoughts');
      signed.push(...of('reasoningContent').map((r) => r.reasoningText.signature));
      said.push([role, of('text').join(''), of('toolUse').map((u) => [u.name, u.input]), results.map((r) => r.toolUseId), of('image').length]);
    }
    return { said, signed };
  },
  ollama({ messages }) {
    for (const m of messages) assert.ok((m.images ?? []).every((g) => g === PIXEL));
    return { signed: [], said: messages.map((m) => [m.role === 'assistant' ? 'assistant' : 'user', m.role === 'tool' ? '' : m.content,
      (m.tool_calls ?? []).map((c) => [c.function.name, c.function.arguments]), m.role === 'tool' ? [m.tool_call_id] : [], (m.images ?? []).length]) };
  },
  responses({ input }) {
    const said = [], signed = [];
    let open = [];
    for (const i of input) {
      // `detail` is optional ("auto"), but to the SDK's type of an item.
      const whole = Array.isArray(i.content) ? { ...i, content: i.content.map((p) => (p.type === 'input_image' ? { detail: 'auto', ...p } : p)) } : i;
      assert.equal(wrongBy('responses-sdk:ResponseInputItem', whole), undefined, JSON.stringify(i));
      if (i.type === 'function_call_output') {
        assert.ok(open.includes(i.call_id), `an answer to no call: ${i.call_id}`);
        open = open.filter((id) => id !== i.call_id);
        said.push(['user', '', [], [i.call_id], 0]);
      } else if (i.type === 'function_call') {
        open.push(i.call_id);
        said.push(['assistant', '', [[i.name, JSON.parse(i.arguments)]], [], 0]);
      } else {
        assert.deepEqual(open, [], 'a call without its answer right behind it');
        if (i.type === 'reasoning') {
          signed.push(i.encrypted_content);
          continue;
        }
        const parts = typeof i.content === 'string' ? [{ text: i.content }] : i.content;
        for (const p of parts) if (p.type === 'input_image') assert.match(p.image_url, /^data:image\/png;base64,iVBOR/);
        said.push([i.role === 'assistant' ? 'assistant' : 'user', parts.map((p) => p.text ?? '').join(''), [], [], images(parts, (p) => p.type === 'input_image')]);
      }
    }
    assert.deepEqual(open, []);
    return { said, signed };
  },
};

// ---- a conversation ----

const thoughtful = /^(thinking|redacted_thinking|signature|thought_signature|reasoning_content|reasoning_effort|input\.reasoning\.encrypted_content|contents\.parts\.(thought|thoughtSignature))$/;
const seen = { conversations: 0, requests: 0, asked: 0, signed: 0 };

for (const [name, client] of Object.entries(clients))
  for (const order of orders)
    for (const streams of [(i) => i % 2 === 0, (i) => i % 2 === 1])
      test(`R46 ${name}: a conversation that moves through ${order.join(', ')}, ${streams(0) ? 'streamed' : 'whole'} first`, async () => {
        const signedBefore = seen.signed;
        let history = [], home = 0;
        // Each target twice, once in the middle of a turn at the latest on the second way round; then the first again.
        const steps = [...order.keys(), ...order.keys(), 0, 0];
        let pending = [];
        for (const [i, k] of steps.entries()) {
          const last = i === steps.length - 1, does = pending.length === 0 && !last ? 'calls' : 'says';
          history.push(...(pending.length > 0 ? client.answers(pending) : client.asks(i)));
          wire.down = new Set(order.slice(0, k));
          wire.asked = [];
          const { items, headers } = await client.send(`${order.join('-')}:${does}`, history, streams(i));
          const dropped = headers?.get('x-dragoman-dropped-params');
          for (const n of dropped?.split(', ') ?? []) assert.match(n, thoughtful);
          assert.deepEqual(wire.asked.map((a) => a.dialect), order.slice(0, k + 1), 'those before are down');
          for (const { dialect, text, body } of wire.asked) {
            assert.ok(!text.includes('dragoman.'), `${dialect}: ${text}`);
            const { said, signed } = checks[dialect](body);
            assert.deepEqual(turns(said), turns(client.said(history)), `${dialect}: ${text}`);
            for (const s of signed) assert.ok(wire.signed[makerOf(dialect)].has(s), `${dialect} never signed ${s}: ${text}`);
            seen.signed += signed.length;
            seen.asked++;
          }
          history.push(...items);
          for (const item of history) assert.equal(wrongBy(client.type, item), undefined);
          assert.deepEqual(JSON.parse(JSON.stringify(history)), history, 'what is sent back is JSON');
          pending = client.calls(items);
          assert.equal(pending.length, does === 'calls' ? 2 : 0);
          home += k === 0;
          seen.requests++;
        }
        assert.ok(home >= 3);
        seen.conversations++;
        if (order.some((d) => d !== 'openai' && d !== 'ollama')) assert.ok(seen.signed > signedBefore, 'signatures came back');
      });

test('and how many of them there were', () => {
  console.log(`${seen.conversations} conversations of ${seen.requests} requests asked ${seen.asked} times: all valid, with ${seen.signed} signatures, each at its maker's`);
  assert.equal(seen.conversations, Object.keys(clients).length * orders.length * 2);
});
