// The official openai SDK against the gateway: what its users do all day, and what they catch.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { Gateway, Upstream, completion, eventually, pair, reply } from './harness.mjs';

const KEY = 'sk-client-0123456789';
let answer = (q, a) => reply(a, 200, completion('ok'));
const own = await Upstream.start((q, a, body) => answer(q, a, body));
const t = await pair({
  keys: [{ name: 'app', key: KEY, models: ['chat', 'sim/*', 'own/*'] }],
  providers: { own: { base_url: own.url } },
  models: { chat: { targets: ['sim/sim?tokens=12'] }, secret: { targets: ['sim/sim'] } },
  retry: { attempts: 2, initial: '10ms' },
});
after(async () => {
  await t.stop();
  await own.stop();
});
const client = new OpenAI({ baseURL: t.gw.url, apiKey: KEY, maxRetries: 0 });
const messages = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Where does the caravan rest?' }];

test('openai: chat, whole and streamed, say the same', async () => {
  const whole = await client.chat.completions.create({ model: 'chat', messages });
  assert.equal(whole.object, 'chat.completion');
  assert.equal(whole.choices[0].finish_reason, 'stop');
  assert.equal(whole.usage.completion_tokens, 12);
  let text = '';
  for await (const c of await client.chat.completions.create({ model: 'chat', messages, stream: true }))
    text += c.choices[0]?.delta?.content ?? '';
  assert.equal(text, whole.choices[0].message.content);
  const final = await client.chat.completions.stream({ model: 'chat', messages, stream_options: { include_usage: true } }).finalChatCompletion();
  assert.equal(final.choices[0].message.content, text);
  assert.equal(final.usage.completion_tokens, 12);
});

test('openai: n choices', async () => {
  const r = await client.chat.completions.create({ model: 'chat', messages, n: 3 });
  assert.deepEqual(r.choices.map((c) => c.index), [0, 1, 2]);
  const final = await client.chat.completions.stream({ model: 'chat', messages, n: 3 }).finalChatCompletion();
  assert.deepEqual(final.choices.map((c) => [c.index, c.finish_reason]), [[0, 'stop'], [1, 'stop'], [2, 'stop']]);
});

test('openai: the headers of an answer', async () => {
  const { data, response, request_id } = await client.chat.completions.create({ model: 'chat', messages }).withResponse();
  assert.ok(data.id);
  assert.equal(request_id, response.headers.get('x-request-id'));
  assert.equal(response.headers.get('x-dragoman-target'), 'sim/sim?tokens=12');
});

test('openai: a loop of tool calls', async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    model: 'own/tools', messages,
    tools: [{ type: 'function', function: {
      name: 'weather', parse: JSON.parse, parameters: { type: 'object', properties: { place: { type: 'string' } } },
      function: ({ place }) => (asked.push(place), `sunny in ${place}`),
    } }],
  });
  answer = (q, a, body) => {
    const told = JSON.parse(body).messages.filter((m) => m.role === 'tool');
    if (told.length) return reply(a, 200, completion(`It is ${told[0].content}.`));
    reply(a, 200, completion(null, { choices: [{
      index: 0, finish_reason: 'tool_calls', logprobs: null,
      message: { role: 'assistant', content: null, refusal: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"place":"Samarkand"}' } }] },
    }] }));
  };
  assert.equal(await runner.finalContent(), 'It is sunny in Samarkand.');
  assert.deepEqual(asked, ['Samarkand']);
});

test('openai: a whole answer with tool calls where a stream was asked for', async () => {
  const call = (id, place) => ({ id, type: 'function', function: { name: 'weather', arguments: JSON.stringify({ place }) } });
  answer = (q, a) => reply(a, 200, completion(null, { choices: [{
    index: 0, finish_reason: 'tool_calls', logprobs: null,
    message: { role: 'assistant', content: null, refusal: null, tool_calls: [call('call_1', 'Samarkand'), call('call_2', 'Bukhara')] },
  }] }));
  const final = await client.chat.completions.stream({ model: 'own/tools', messages }).finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, 'tool_calls');
  assert.deepEqual(final.choices[0].message.tool_calls.map((c) => [c.id, c.function.arguments]),
    [['call_1', '{"place":"Samarkand"}'], ['call_2', '{"place":"Bukhara"}']]);
});

test('openai: images, files and audio go through untouched', async () => {
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${Buffer.alloc(300_000, 7).toString('base64')}`, detail: 'high' } },
    { type: 'image_url', image_url: { url: 'https://images.example/a.png' } },
    { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
  ];
  let got;
  answer = (q, a, body) => ((got = JSON.parse(body)), reply(a, 200, completion('a cat')));
  const r = await client.chat.completions.create({ model: 'own/vision', messages: [{ role: 'user', content }] });
  assert.equal(r.choices[0].message.content, 'a cat');
  assert.deepEqual(got, { model: 'vision', messages: [{ role: 'user', content }] });
});

test('openai: structured output by JSON schema', async () => {
  const Shape = z.object({ city: z.string(), days: z.number() });
  let got;
  answer = (q, a, body) => ((got = JSON.parse(body)), reply(a, 200, completion('{"city":"Bukhara","days":3}')));
  const r = await client.chat.completions.parse({ model: 'own/json', messages, response_format: zodResponseFormat(Shape, 'trip') });
  assert.deepEqual(r.choices[0].message.parsed, { city: 'Bukhara', days: 3 });
  assert.equal(got.response_format.type, 'json_schema');
  assert.equal(got.response_format.json_schema.strict, true);
});

// ---- what is caught ----

for (const [name, run, type, status, code] of [
  ['a wrong key', () => new OpenAI({ baseURL: t.gw.url, apiKey: 'sk-wrong', maxRetries: 0 }).chat.completions.create({ model: 'chat', messages }),
    OpenAI.AuthenticationError, 401, 'invalid_api_key'],
  ['a model the key may not use', () => client.chat.completions.create({ model: 'secret', messages }), OpenAI.PermissionDeniedError, 403, 'model_not_allowed'],
  ['a model that is not there', () => client.chat.completions.create({ model: 'sim', messages }), OpenAI.NotFoundError, 404, 'model_not_found'],
  ['no messages', () => client.chat.completions.create({ model: 'chat', messages: [] }), OpenAI.BadRequestError, 400, 'invalid_request'],
  ["the provider's 400", () => client.chat.completions.create({ model: 'sim/sim?context-window', messages }), OpenAI.BadRequestError, 400, 'context_length_exceeded'],
  ["the provider's 404", () => client.chat.completions.create({ model: 'sim/sim?404', messages }), OpenAI.NotFoundError, 404, 'model_not_found'],
  ["the provider's 422", () => client.chat.completions.create({ model: 'sim/sim?422', messages }), OpenAI.UnprocessableEntityError, 422],
  ["the provider's 429", () => client.chat.completions.create({ model: 'sim/sim?429', messages }), OpenAI.RateLimitError, 429, 'upstream_rate_limited'],
  ["the provider's 500", () => client.chat.completions.create({ model: 'sim/sim?500', messages }), OpenAI.InternalServerError, 502, 'upstream_error'],
  ["the provider's 401", () => client.chat.completions.create({ model: 'sim/sim?401', messages }), OpenAI.InternalServerError, 502, 'upstream_credentials_exhausted'],
  ['an error as the first event', () => client.chat.completions.create({ model: 'sim/sim?error-first', messages, stream: true }), OpenAI.InternalServerError, 502],
]) {
  test(`openai: ${name} is ${type.name} ${status}`, async () => {
    await assert.rejects(run(), (e) => {
      assert.ok(e instanceof type, `${e.constructor.name}: ${e.message}`);
      assert.equal(e.status, status);
      if (code) assert.equal(e.code, code);
      assert.ok(e.requestID, 'with the id of the request');
      assert.ok(e.type);
      return true;
    });
  });
}

test('openai: a stream that is cut throws, after what came', async () => {
  let text = '';
  await assert.rejects(async () => {
    for await (const c of await client.chat.completions.create({ model: 'sim/sim?cut-rst,after=3,tokens=9', messages, stream: true }))
      text += c.choices[0]?.delta?.content ?? '';
  }, (e) => e instanceof OpenAI.APIError && e.code === 'upstream_stream_truncated');
  assert.ok(text.length > 0);
});

test("openai: the SDK's own retries do not multiply ours", async () => {
  const eager = new OpenAI({ baseURL: t.gw.url, apiKey: KEY, maxRetries: 5 });
  await assert.rejects(eager.chat.completions.create({ model: 'sim/sim?500,tag=eager', messages }), OpenAI.InternalServerError);
  assert.equal((await t.sim.log('sim?500,tag=eager')).length, 2, 'our two attempts, and no more');
});

test("openai: the SDK waits for the Retry-After that we pass on", async () => {
  const patient = new OpenAI({ baseURL: t.gw.url, apiKey: KEY, maxRetries: 1, defaultHeaders: { 'x-dragoman-timeout-ms': '500' } });
  const model = 'sim?retry-after-ms,ra=800ms,flip=1,tag=patient';
  const r = await patient.chat.completions.create({ model: `sim/${model}`, messages });
  assert.ok(r.choices[0].message.content);
  const [a, b] = await t.sim.log(model);
  assert.ok(b.time_ms - a.time_ms >= 790, `${b.time_ms - a.time_ms} ms`);
});

test('openai: to abort a stream leaves the upstream', async () => {
  const model = 'sim?tokens=1000,gap=30ms,tag=aborted';
  const stream = await client.chat.completions.create({ model: `sim/${model}`, messages, stream: true });
  let n = 0;
  for await (const c of stream) if (c && ++n === 3) break; // this aborts
  await eventually(async () => (await t.sim.only(model)).peer_left, 'the upstream being left', 2000);
  await t.gw.idle();
});

test('openai: a timeout of the client leaves the upstream', async () => {
  const model = 'sim?ttft=60s,tag=impatient';
  await assert.rejects(client.chat.completions.create({ model: `sim/${model}`, messages }, { timeout: 400 }), OpenAI.APIConnectionTimeoutError);
  await eventually(async () => (await t.sim.only(model)).peer_left, 'the upstream being left', 2000);
});

test('openai: completions, embeddings, models', async () => {
  assert.ok((await client.completions.create({ model: 'sim/sim?tokens=3', prompt: 'x' })).choices[0].text);
  assert.ok((await client.embeddings.create({ model: 'sim/sim-embedding', input: 'x' })).data[0].embedding.length > 10);
  assert.deepEqual((await client.models.list()).data.map((m) => m.id).filter((id) => !id.includes('/')), ['chat']);
});

test('openai: the Responses API is relayed to a provider that is named', async () => {
  answer = (q, a) => reply(a, 200, { id: 'resp_1', object: 'response', created_at: 1, status: 'completed', error: null, model: 'm', output: [
    { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'relayed', annotations: [] }] }] });
  const open = await Gateway.start({ providers: { own: { base_url: own.url } } });
  try {
    const r = await new OpenAI({ baseURL: open.url, apiKey: 'none', defaultHeaders: { 'x-dragoman-provider': 'own' } })
      .responses.create({ model: 'm', input: 'x', previous_response_id: 'resp_0' });
    assert.equal(r.output_text, 'relayed');
  } finally {
    await open.stop();
  }
});
