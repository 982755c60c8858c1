// Upstreams that we did not write: aimock answers, and fails, in its own way; steady judges by OpenAI's
// description whether what we send is valid.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI, { toFile } from 'openai';
import { Child, Gateway, ask, chatStream, deadPort, eventually, here, question, root, temporaryFolder } from './harness.mjs';

const bin = (name) => join(here, 'node_modules/.bin', name);
const folder = temporaryFolder();

async function listening(port, child) {
  await eventually(async () => {
    assert.equal(child.exited, null, `${child.stderr}${child.stdout}`);
    return ask(`http://127.0.0.1:${port}`, 'GET', '/');
  }, `${child.name} listening`, 20_000);
}

// ---- aimock ----

const LONG = 'The interpreter writes down what was said, word for word, — and nothing that was not. '.repeat(20);
writeFileSync(join(folder, 'fixtures.json'), JSON.stringify({ fixtures: [
  { match: { userMessage: 'long' }, response: { content: LONG } },
  { match: { userMessage: 'weather' }, response: { toolCalls: [
    { name: 'get_weather', arguments: { place: 'Samarkand' } }, { name: 'get_weather', arguments: { place: 'Bukhara' } }] } },
  { match: { userMessage: 'forbidden' }, response: { error: { message: 'You may not.', type: 'invalid_request_error', code: 'nope' }, status: 400 } },
  { match: { userMessage: 'busy' }, response: { error: { message: 'Slow down.', type: 'rate_limit_error', code: 'rate_limit_exceeded' }, status: 429 } },
] }));
const mockPort = await deadPort();
const mock = new Child('aimock', process.execPath, [bin('llmock'), '-p', String(mockPort), '-f', join(folder, 'fixtures.json'), '--log-level', 'warn']);
await listening(mockPort, mock);

// ---- steady ----

const description = join(folder, 'openai.yml');
writeFileSync(description, gunzipSync(readFileSync(join(root, 'tests/data/openai/openai-node.openapi.transformed.yml.gz'))));
const judgePort = await deadPort();
const judge = new Child('steady', process.execPath, [bin('steady'), '-p', String(judgePort), '--host', '127.0.0.1', '--no-color', '--log-format', 'json', description]);
await listening(judgePort, judge);

const mocked = `http://127.0.0.1:${mockPort}`;
const dialects = {
  openai: { base_url: `${mocked}/v1`, keys: ['sk-mock'] },
  anthropic: { dialect: 'anthropic', base_url: `${mocked}/v1`, keys: ['sk-mock'] },
  gemini: { dialect: 'gemini', base_url: `${mocked}/v1beta`, keys: ['sk-mock'] },
  ollama: { dialect: 'ollama', base_url: mocked },
  bedrock: { dialect: 'bedrock', base_url: mocked, region: 'eu-central-1', keys: ['sk-mock'] },
  azure: { dialect: 'azure', base_url: mocked, keys: ['sk-mock'] },
};
/* Its 429 says to wait a second, which would be minutes in all. */
const once = await Gateway.start({
  retry: { attempts: 1, target_rest: '0' },
  providers: dialects,
  models: Object.fromEntries(Object.keys(dialects).map((d) => [`on-${d}`, { targets: [`${d}/m`] }])),
});
const gw = await Gateway.start({
  retry: { attempts: 3, initial: '10ms' },
  providers: {
    aimock: { base_url: `http://127.0.0.1:${mockPort}/v1`, keys: ['sk-mock'] },
    steady: { base_url: `http://127.0.0.1:${judgePort}`, keys: ['sk-mock'] },
  },
  models: { falls: { strategy: 'ordered', targets: ['aimock/gpt-busy', 'aimock/gpt-4o'] } },
});
after(async () => {
  try {
    await gw.stop();
    await once.stop();
  } finally { // or the run would wait for them
    for (const c of [mock, judge]) {
      c.signal('SIGTERM');
      await c.ends(3000);
    }
  }
});
const client = new OpenAI({ baseURL: gw.url, apiKey: 'none', maxRetries: 0 });
const says = (content) => [{ role: 'user', content }];

test('aimock: a long answer, whole and streamed, arrives whole', async () => {
  const whole = await client.chat.completions.create({ model: 'aimock/gpt-4o', messages: says('long') });
  assert.equal(whole.choices[0].message.content, LONG);
  const final = await client.chat.completions.stream({ model: 'aimock/gpt-4o', messages: says('long'), stream_options: { include_usage: true } }).finalChatCompletion();
  assert.equal(final.choices[0].message.content, LONG);
  assert.equal(final.choices[0].finish_reason, 'stop');
  assert.ok(final.usage.total_tokens > 0);
});

test('aimock: usage is recorded although the client did not ask', async () => {
  const r = await chatStream(gw, 'aimock/gpt-4o', { messages: says('long') }, { headers: { 'x-request-id': 'mock-usage' } });
  assert.equal(r.said, LONG);
  assert.equal(r.usage, null);
  assert.equal((await gw.accessOf('mock-usage')).tokens.source, 'reported');
});

test('R8 aimock: two tool calls, streamed', async () => {
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { place: { type: 'string' } } } } }];
  const final = await client.chat.completions.stream({ model: 'aimock/gpt-4o', messages: says('weather'), tools }).finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, 'tool_calls');
  assert.deepEqual(final.choices[0].message.tool_calls.map((c) => JSON.parse(c.function.arguments).place), ['Samarkand', 'Bukhara']);
});

test('R13 aimock: its refusals are passed on, its 429 is ours', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'aimock/gpt-4o', messages: says('forbidden') }),
    (e) => e instanceof OpenAI.BadRequestError && /You may not/.test(e.message));
  await assert.rejects(client.chat.completions.create({ model: 'aimock/gpt-4o', messages: says('busy') }),
    (e) => e instanceof OpenAI.RateLimitError);
});

test('aimock: embeddings and relayed responses', async () => {
  const e = await client.embeddings.create({ model: 'aimock/text-embedding-3-small', input: 'a caravan' });
  assert.ok(e.data[0].embedding.length > 10);
  const r = await client.responses.create({ model: 'aimock/gpt-4o', input: 'long' });
  assert.equal(r.output_text, LONG);
  let text = '';
  for await (const ev of await client.responses.create({ model: 'aimock/gpt-4o', input: 'long', stream: true }))
    if (ev.type === 'response.output_text.delta') text += ev.delta;
  assert.equal(text, LONG);
});

// ---- every surface against every dialect that aimock has ----

const place = { type: 'object', properties: { place: { type: 'string' } } };
const google = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: once.origin } });
const claude = new Anthropic({ baseURL: once.origin, apiKey: 'none', maxRetries: 0 });
async function chunksOf(stream) {
  const parts = [];
  for await (const c of await stream) parts.push(...c.candidates[0].content.parts);
  return parts;
}
const openai = new OpenAI({ baseURL: once.url, apiKey: 'none', maxRetries: 0 });
/** Each gives the text and the places of the calls. */
const surfaces = {
  async chat(model, said, stream) {
    const body = { model, messages: says(said), tools: [{ type: 'function', function: { name: 'get_weather', parameters: place } }] };
    const r = stream ? await openai.chat.completions.stream(body).finalChatCompletion() : await openai.chat.completions.create(body);
    const { content, tool_calls: calls } = r.choices[0].message;
    return [content ?? '', (calls ?? []).map((c) => JSON.parse(c.function.arguments).place)];
  },
  async responses(model, said, stream) {
    const body = { model, input: said, tools: [{ type: 'function', name: 'get_weather', parameters: place, strict: false }] };
    const r = stream ? await openai.responses.stream(body).finalResponse() : await openai.responses.create(body);
    return [r.output_text, r.output.filter((i) => i.type === 'function_call').map((c) => JSON.parse(c.arguments).place)];
  },
  async messages(model, said, stream) {
    const body = { model, max_tokens: 999, messages: says(said), tools: [{ name: 'get_weather', input_schema: place }] };
    const r = stream ? await claude.messages.stream(body).finalMessage() : await claude.messages.create(body);
    return [r.content.map((b) => b.text ?? '').join(''), r.content.filter((b) => b.type === 'tool_use').map((b) => b.input.place)];
  },
  async gemini(model, said, stream) {
    const body = { model, contents: said, config: { tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: place }] }] } };
    const parts = stream ? await chunksOf(google.models.generateContentStream(body)) : (await google.models.generateContent(body)).candidates[0].content.parts;
    return [parts.map((p) => p.text ?? '').join(''), parts.filter((p) => p.functionCall).map((p) => p.functionCall.args.place)];
  },
};

for (const [surface, ask] of Object.entries(surfaces))
  for (const d of Object.keys(dialects)) {
    test(`aimock: ${surface} on ${d}: a text and two calls, whole and streamed`, async () => {
      for (const stream of [false, true]) {
        assert.deepEqual(await ask(`on-${d}`, 'long', stream), [LONG, []], stream ? 'streamed' : 'whole');
        assert.deepEqual((await ask(`on-${d}`, 'weather', stream))[1], ['Samarkand', 'Bukhara'], stream ? 'streamed' : 'whole');
      }
    });

    test(`R13 aimock: ${surface} on ${d}: refusals`, async () => {
      for (const stream of [false, true]) {
        await assert.rejects(ask(`on-${d}`, 'forbidden', stream), (e) => e.status === 400 && /You may not/.test(e.message));
        await assert.rejects(ask(`on-${d}`, 'busy', stream), (e) => e.status === 429);
      }
    });
  }

async function chaos(rates, run) {
  const set = await ask(`http://127.0.0.1:${mockPort}`, 'POST', '/__aimock/chaos', rates);
  assert.ok(set.status < 300, set.text);
  try {
    await run();
  } finally {
    await ask(`http://127.0.0.1:${mockPort}`, 'DELETE', '/__aimock/chaos');
  }
}

for (const [name, rates] of [['drops', { dropRate: 0.3 }], ['malformed answers', { malformedRate: 0.3 }],
  ['disconnects', { disconnectRate: 0.3 }], ['rate limits', { rateLimitRate: 0.2 }]]) {
  test(`R10 aimock with a share of ${name}: each request is whole or an error, never half`, () => chaos(rates, async () => {
    let good = 0;
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) => i % 2
      ? chatStream(gw, 'aimock/gpt-4o', { messages: says('long') }, { headers: { 'x-dragoman-timeout-ms': '4000' } })
      : ask(gw.origin, 'POST', '/v1/chat/completions', { ...question('aimock/gpt-4o'), messages: says('long') }, { headers: { 'x-dragoman-timeout-ms': '4000' } })));
    for (const r of results) {
      if (r.status !== 200) {
        assert.ok([429, 502, 503, 504].includes(r.status), r.text.slice(0, 200));
        assert.ok(r.json.error.code);
      } else if (r.errors?.length) {
        assert.equal(r.done, 0);
        assert.ok(LONG.startsWith(r.said));
      } else {
        good++;
        assert.equal(r.said || r.json.choices[0].message.content, LONG);
      }
    }
    assert.ok(good >= 25, `${good} of 40 were answered`);
    await gw.idle();
  }));
}

// ---- what we send ----

const fields = {
  temperature: 0.5, top_p: 0.9, n: 1, stop: ['END'], max_completion_tokens: 50, presence_penalty: 0, frequency_penalty: 0,
  logit_bias: { 50256: -100 }, user: 'u', seed: 7, logprobs: true, top_logprobs: 2, parallel_tool_calls: true,
  reasoning_effort: 'low', metadata: { a: 'b' }, store: false, service_tier: 'auto', modalities: ['text'],
  response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: { type: 'object', properties: {}, additionalProperties: false } } },
  tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }], tool_choice: 'auto',
};

test('what goes upstream is valid by OpenAI\'s description: not one violation', async () => {
  const model = 'steady/gpt-4o';
  const asked = (path, body, headers) => ask(gw.origin, 'POST', path, body, { headers: { 'x-dragoman-timeout-ms': '8000', ...headers } });
  for (const stream of [undefined, false, true]) {
    for (const stream_options of [undefined, ...(stream ? [{ include_usage: true }, { include_usage: false }, {}, null, { include_obfuscation: false }] : [])])
      for (const more of [{}, fields]) await asked('/v1/chat/completions', question(model, { ...more, stream, stream_options }));
    await asked('/v1/completions', { model, prompt: 'x', stream, max_tokens: 5 });
  }
  await asked('/v1/embeddings', { model, input: ['a', 'b'], encoding_format: 'base64', dimensions: 8 });
  await asked('/v1/embeddings', { model, input: [1, 2, 3] });
  await asked('/v1/responses', { model, input: 'x', stream: false });
  await asked('/v1/moderations', { model, input: 'x' });
  await client.chat.completions.create({ model, messages: [
    { role: 'developer', content: 'x' }, { role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'c', content: 'x' },
  ] }).catch((e) => assert.ok(e instanceof OpenAI.APIError, String(e)));
  const relayed = new OpenAI({ baseURL: gw.url, apiKey: 'none', maxRetries: 0, defaultHeaders: { 'x-dragoman-provider': 'steady' } });
  await relayed.files.create({ file: await toFile(Buffer.from('{}'), 'a.jsonl'), purpose: 'batch' });
  await relayed.files.list();
  await relayed.batches.list({ limit: 2 });

  const seen = judge.stdout.split('\n').concat(judge.stderr.split('\n')).filter((l) => l.startsWith('{"type":"request"')).map((l) => JSON.parse(l))
    .filter((l) => l.request.path !== '/');
  assert.ok(seen.length >= 25, `${seen.length} requests were judged`);
  const bad = seen.filter((l) => l.response.status >= 400 || l.diagnostics.some((d) => d.severity === 'error'));
  assert.deepEqual(bad.map((l) => [l.request, l.response.status, l.diagnostics]), []);
});

test('the judge is awake: a wrong request is found out', async () => {
  const r = await ask(gw.origin, 'POST', '/v1/chat/completions', question('steady/gpt-4o', { temperature: 'hot' }));
  assert.equal(r.status, 400);
  assert.match(r.text, /body\.temperature/);
});
