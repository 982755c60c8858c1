// OpenAI's Responses API in front of targets of every dialect: by the official SDK, and by two
// descriptions of the API that we did not write, OpenAI's own and Open Responses'.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { assertEvent, assertValid } from './descriptions.mjs';
import { Gateway, Upstream, ask, pair, readStream } from './harness.mjs';

// ---- targets ----

const t = await pair((sim) => ({
  providers: {
    anthropic: { base_url: sim.url, dialect: 'anthropic', keys: ['sk-ant'] },
    gemini: { base_url: `${sim.origin}/v1beta`, dialect: 'gemini', keys: ['g-key'] },
    ollama: { base_url: sim.origin, dialect: 'ollama' },
  },
  retry: { attempts: 1 },
}));
after(() => t.stop());
const openai = new OpenAI({ baseURL: t.gw.url, apiKey: 'none', maxRetries: 0 });
const providers = ['sim', 'anthropic', 'gemini', 'ollama'];
const input = 'Where does the caravan rest?';
const tools = [{ type: 'function', name: 'weather', description: 'Tells the weather.', strict: true,
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } }];
const post = (body, more) => ask(t.gw.origin, 'POST', '/v1/responses', body, more);
const raw = async (body) => {
  const r = await readStream(t.gw.origin, '/v1/responses', JSON.stringify({ ...body, stream: true }));
  r.events.forEach((e) => assert.equal(e.name, JSON.parse(e.data).type, 'the name is the type'));
  return { headers: r.headers, events: r.events.map((e) => JSON.parse(e.data)) };
};
/** What may differ between two answers: their names. */
const plain = (output) => JSON.parse(JSON.stringify(output), (k, v) => (k === 'id' || k === 'call_id' || k === 'parsed' || k === 'parsed_arguments' ? undefined : v));

test('the schemas can refuse', () => {
  assert.throws(() => assertValid('openai:Response', { id: 'x' }));
  assert.throws(() => assertValid('open:ResponseResource', { id: 'x' }));
  assert.throws(() => assertEvent({ type: 'response.output_text.delta', sequence_number: 1, delta: 'x' }));
});

for (const provider of providers) {
  test(`${provider}: whole and streamed say the same, and all that the API requires`, async () => {
    const body = { model: `${provider}/sim?tokens=12`, input, instructions: 'Be brief.', temperature: 0.5, metadata: { a: 'b' }, tools };
    const whole = await openai.responses.create(body);
    assert.equal(whole.output_text.split(' ').length, 12);
    assert.equal(whole.status, 'completed');
    assert.equal(whole.usage.output_tokens, 12);
    assert.equal(whole.usage.total_tokens, whole.usage.input_tokens + 12);
    assert.equal(whole.store, false);
    assert.equal(whole.instructions, 'Be brief.');
    assert.deepEqual([whole.temperature, whole.metadata, whole.tools[0].name], [0.5, { a: 'b' }, 'weather']);
    const { output_text, ...sent } = whole;
    assertValid('openai:Response', sent);
    assertValid('open:ResponseResource', sent);

    const { events, headers } = await raw(body);
    assert.match(headers['content-type'], /^text\/event-stream/);
    events.forEach(assertEvent);
    assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
    const { response } = events.at(-1);
    assert.deepEqual(plain(response.output), plain(whole.output));
    assert.deepEqual(response.usage, whole.usage);
    const said = events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join('');
    assert.equal(said, output_text);

    const final = await openai.responses.stream(body).finalResponse();
    assert.equal(final.output_text, output_text);
  });

  test(`${provider}: a tool is called, its output answered`, async () => {
    const first = { model: `${provider}/sim?tools-parallel,calls=2`, input, tools };
    const whole = await openai.responses.create(first);
    const final = await openai.responses.stream(first).finalResponse();
    const { events } = await raw(first);
    events.forEach(assertEvent);
    for (const r of [whole, final, events.at(-1).response]) {
      const calls = r.output.filter((i) => i.type === 'function_call');
      assert.equal(calls.length, 2);
      assert.equal(new Set(calls.map((c) => c.call_id)).size, 2);
      for (const c of calls) {
        assert.equal(c.name, 'weather');
        assert.equal(typeof JSON.parse(c.arguments), 'object');
        assert.equal(c.status, 'completed');
      }
    }
    const outputs = whole.output.filter((i) => i.type === 'function_call')
      .map((c) => ({ type: 'function_call_output', call_id: c.call_id, output: 'sunny' }));
    const second = await openai.responses.create({ model: `${provider}/sim?tokens=3`, tools,
      input: [{ role: 'user', content: input }, ...whole.output, ...outputs] });
    assert.equal(second.output_text.split(' ').length, 3);
  });

  test(`${provider}: an answer that is cut short is incomplete`, async () => {
    const r = await openai.responses.create({ model: `${provider}/sim?tokens=12`, input, max_output_tokens: 4 });
    assert.equal(r.status, 'incomplete');
    assert.deepEqual(r.incomplete_details, { reason: 'max_output_tokens' });
    assert.equal(r.output[0].status, 'incomplete');
    const { events } = await raw({ model: `${provider}/sim?tokens=12`, input, max_output_tokens: 4 });
    events.forEach(assertEvent);
    assert.equal(events.at(-1).type, 'response.incomplete');
    assert.deepEqual(plain(events.at(-1).response.output), plain(r.output));
  });

  test(`${provider}: a stream that is cut ends in an error and a response that failed`, async () => {
    const model = `${provider}/sim?cut-rst,after=3,tokens=9`;
    const { events } = await raw({ model, input });
    events.forEach(assertEvent);
    assert.deepEqual(events.slice(-2).map((e) => e.type), ['error', 'response.failed']);
    assert.deepEqual(events.map((e) => e.sequence_number), events.map((_, i) => i));
    const { response } = events.at(-1);
    assert.equal(response.status, 'failed');
    assert.equal(response.error.code, 'server_error');
    assert.ok(response.output[0].content[0].text.length > 0, 'what had been said');
    await assert.rejects(async () => {
      for await (const e of await openai.responses.create({ model, input, stream: true })) assert.ok(e);
    });
  });
}

test('structured output, as the target asks for it', async () => {
  const format = { type: 'json_schema', name: 'place', schema: { type: 'object', properties: { city: { type: 'string' } } }, strict: true };
  const upstream = await Upstream.start((q, a) => {
    a.writeHead(200, { 'content-type': 'application/json' });
    a.end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model: 'm',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '{"city":"Samarkand"}' } }] }));
  });
  const own = await pair({ providers: { up: { base_url: upstream.url } } });
  try {
    const client = new OpenAI({ baseURL: own.gw.url, apiKey: 'none', maxRetries: 0 });
    const r = await client.responses.parse({ model: 'up/m', input, text: { format }, reasoning: { effort: 'low' } });
    assert.deepEqual(r.output_parsed ?? JSON.parse(r.output_text), { city: 'Samarkand' });
    const asked = JSON.parse(upstream.asked.at(-1).body);
    assert.deepEqual(asked.response_format, { type: 'json_schema', json_schema: { name: 'place', schema: format.schema, strict: true } });
    assert.equal(asked.reasoning_effort, 'low');
    assert.deepEqual(asked.messages, [{ role: 'user', content: input }]);
    assert.equal(r.usage ?? null, null, 'the upstream told none');
  } finally {
    await own.gw.stop();
    await own.sim.stop();
    await upstream.stop();
  }
});

test('thinking and its signature come back to the target byte for byte', async () => {
  const signature = 'EqQB+/9z==';
  const upstream = await Upstream.start((q, a) => {
    a.writeHead(200, { 'content-type': 'application/json' });
    a.end(JSON.stringify({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', stop_reason: 'tool_use', stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 5 },
      content: [{ type: 'thinking', thinking: 'Hm "so" é', signature }, { type: 'redacted_thinking', data: 'Eg==' },
        { type: 'text', text: 'Let me see.' }, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Merv' } }] }));
  });
  const own = await pair({ providers: { up: { base_url: upstream.url, dialect: 'anthropic', keys: ['k'] } } });
  try {
    const client = new OpenAI({ baseURL: own.gw.url, apiKey: 'none', maxRetries: 0 });
    const first = await client.responses.create({ model: 'up/m', input, tools, reasoning: { effort: 'high', summary: 'auto' } });
    assert.deepEqual(first.output.map((i) => i.type), ['reasoning', 'reasoning', 'message', 'function_call']);
    await client.responses.create({ model: 'up/m', tools, reasoning: { effort: 'high' },
      input: [{ role: 'user', content: input }, ...first.output, { type: 'function_call_output', call_id: 'toolu_1', output: 'sunny' }] });
    const { messages } = JSON.parse(upstream.asked.at(-1).body);
    assert.deepEqual(messages[1], { role: 'assistant',
      content: [{ type: 'thinking', thinking: 'Hm "so" é', signature }, { type: 'redacted_thinking', data: 'Eg==' },
        { type: 'text', text: 'Let me see.' }, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Merv' } }] });
    assert.equal(messages[2].content[0].tool_use_id, 'toolu_1');
  } finally {
    await own.gw.stop();
    await own.sim.stop();
    await upstream.stop();
  }
});

// It speaks this API where it is not told otherwise; without `store` it refers to what it thinks is stored.
test('@ai-sdk/openai in its own mode: text, and a tool of several steps', async () => {
  const official = createOpenAI({ baseURL: t.gw.url, apiKey: 'none' });
  const providerOptions = { openai: { store: false } };
  for (const provider of providers) {
    const asked = { model: official(`${provider}/sim?tokens=7`), prompt: input, maxRetries: 0, providerOptions };
    const whole = await generateText(asked);
    assert.equal(whole.text.split(' ').length, 7);
    assert.equal(whole.finishReason, 'stop');
    assert.equal(whole.usage.outputTokens, 7);
    const stream = streamText(asked);
    assert.equal(await stream.text, whole.text);
    assert.equal(await stream.finishReason, 'stop');

    const weather = tool({ description: 'The weather', inputSchema: z.looseObject({}), execute: async () => 'sunny' });
    const steps = streamText({ ...asked, model: official(`${provider}/sim?tools-parallel,calls=2`), tools: { weather }, stopWhen: stepCountIs(2) });
    await steps.consumeStream();
    assert.deepEqual((await steps.steps).map((s) => s.toolResults.map((r) => r.output)), [['sunny', 'sunny'], ['sunny', 'sunny']], provider);
  }
});

test('an error behind signs of life is a failed response, too', async () => {
  const lively = await Gateway.start({ providers: { sim: { base_url: t.sim.url } }, retry: { attempts: 1 },
    stream: { keepalive: '100ms' }, timeouts: { first_content: '400ms', headers: '400ms' } });
  try {
    const r = await readStream(lively.origin, '/v1/responses', JSON.stringify({ model: 'sim/sim?silent', input, stream: true }));
    assert.ok(r.comments.length > 0);
    const events = r.events.map((e) => JSON.parse(e.data));
    events.forEach(assertEvent);
    assert.deepEqual(events.map((e) => e.type), ['response.created', 'response.in_progress', 'error', 'response.failed']);
    assert.equal(events.at(-1).response.error.message, events.at(-2).message);
  } finally {
    await lively.stop();
  }
});

test('what cannot be done is refused by its name', async () => {
  for (const [more, param] of [
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'], [{ conversation: 'conv_1' }, 'conversation'], [{ background: true }, 'background'],
    [{ input: undefined }, 'input'], [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0]'], [{ tool_choice: { type: 'web_search' } }, 'tool_choice'],
  ]) {
    const r = await post({ model: 'sim/sim', input, ...more });
    assert.equal(r.status, 400, r.text);
    assert.equal(r.json.error.param, param);
    assert.equal(r.json.error.type, 'invalid_request_error');
  }
  await assert.rejects(openai.responses.create({ model: 'nothing', input }), (e) => e.status === 404 && e.code === 'model_not_found');
  assert.equal((await ask(t.gw.origin, 'GET', '/v1/responses')).status, 405);
});

test('R45 what is dropped is named, whoever dropped it', async () => {
  const r = await post({ model: 'anthropic/sim?tokens=2', input, store: true, truncation: 'auto', prompt_cache_key: 'k', tools: [{ type: 'web_search' }] });
  assert.equal(r.status, 200, r.text);
  const dropped = r.headers['x-dragoman-dropped-params'].split(', ');
  for (const name of ['store', 'truncation', 'prompt_cache_key']) assert.ok(dropped.includes(name), `${name} in ${dropped}`);
  assert.ok(dropped.some((d) => d.includes('web_search')), `${dropped}`);
});
