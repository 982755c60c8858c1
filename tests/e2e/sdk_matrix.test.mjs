// Every official SDK against every dialect of a target, on the simulator: what its users do all day, and
// what they catch. A cell is one SDK, one target, one thing; those that cannot be are named with the reason.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
import { ChatOpenAI } from '@langchain/openai';
import { APICallError, Output, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { Child, eventually, here, pair, slow } from './harness.mjs';

const KEY = 'sk-client-0123456789';
const targets = ['openai', 'anthropic', 'gemini', 'ollama', 'bedrock', 'azure'];
const scripts = {
  text: 'tokens=6', echo: '', after: 'tokens=3', tools: 'tools-parallel,calls=2', think: 'reasoning=5,tokens=4',
  rate: '429', bad: '400', broken: '500',
};
const sdks = {};

// ---- Azure's paths in front of the simulator ----

let simulator;
const azure = http.createServer((q, a) => {
  const at = /^\/openai\/deployments\/[^/]+(\/.*)\?api-version=[\d-]+$/.exec(q.url);
  if (!at || q.headers['api-key'] !== 'azure-key') return a.writeHead(404).end('{"error":{"code":"404","message":"Resource not found"}}');
  const up = http.request(`${simulator}/v1${at[1]}`, { method: q.method, headers: q.headers }, (r) => {
    a.writeHead(r.statusCode, r.headers);
    r.pipe(a);
  });
  up.on('error', () => a.destroy());
  a.on('close', () => up.destroy());
  q.pipe(up);
});
await new Promise((done) => azure.listen(0, '127.0.0.1', done));

// ---- what is asked ----

const question = 'Where does the caravan rest?';
const TRIP = { city: 'Bukhara', days: 3 };
const echoed = JSON.stringify(TRIP); // the simulator says again what the user said
const Trip = z.object({ city: z.string(), days: z.number() });
const trip = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'number' } }, required: ['city', 'days'], additionalProperties: false };
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(6000, 7)]).toString('base64');
const joined = async (iterable, piece) => {
  let all = '';
  for await (const x of iterable) all += piece(x) ?? '';
  return all;
};

// Each SDK: text(model, more, stream) -> what was said; tools() -> the calls and how to go on; think() ->
// [thought, said]; image(), schema(); stream(model, signal) -> something to iterate; caught(error) -> [class is
// right, status].

const openai = (apiKey = KEY) => new OpenAI({ baseURL: t.gw.url, apiKey, maxRetries: 0 });
const user = [{ role: 'user', content: question }];
const whole = (model, more, stream) => (stream ? openai().chat.completions.stream({ model, messages: user, ...more }).finalChatCompletion()
  : openai().chat.completions.create({ model, messages: user, ...more }));
const openaiErrors = { 400: OpenAI.BadRequestError, 401: OpenAI.AuthenticationError, 429: OpenAI.RateLimitError, 502: OpenAI.InternalServerError, 503: OpenAI.InternalServerError };

sdks['openai chat'] = {
  async text(model, stream) {
    const r = await whole(model, {}, stream);
    assert.equal(r.choices[0].finish_reason, 'stop');
    return r.choices[0].message.content;
  },
  async tools(model, next, stream) {
    const tools = [{ type: 'function', function: { name: 'weather', description: 'Tells the weather.', parameters } }];
    const r = await whole(model, { tools }, stream);
    assert.equal(r.choices[0].finish_reason, 'tool_calls');
    const { message } = r.choices[0];
    const answers = message.tool_calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: 'sunny' }));
    const then = await whole(next, { tools, messages: [...user, message, ...answers] }, stream);
    return [message.tool_calls.map((c) => [c.function.name, JSON.parse(c.function.arguments).call]), then.choices[0].message.content];
  },
  async think(model, stream) {
    const body = { model, messages: user, reasoning_effort: 'low' };
    if (!stream) {
      const { message } = (await openai().chat.completions.create(body)).choices[0];
      return [message.reasoning_content, message.content];
    }
    let thought = '', said = '';
    for await (const c of await openai().chat.completions.create({ ...body, stream: true })) {
      thought += c.choices[0]?.delta.reasoning_content ?? '';
      said += c.choices[0]?.delta.content ?? '';
    }
    return [thought, said];
  },
  image: async (model) => (await whole(model, { messages: [{ role: 'user', content: [{ type: 'text', text: question }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] }] })).choices[0].message.content,
  schema: async (model) => (await openai().chat.completions.parse({ model, messages: [{ role: 'user', content: echoed }], response_format: { type: 'json_schema', json_schema: { name: 'trip', strict: true, schema: trip } } })).choices[0].message.parsed,
  stream: (model, signal) => openai().chat.completions.create({ model, messages: user, stream: true }, { signal }),
  call: (model, key, stream) => openai(key).chat.completions.create({ model, messages: user, stream }),
  caught: (e) => [e instanceof openaiErrors[e.status], e.status],
};

const input = [{ role: 'user', content: question }];
const respond = (model, more, stream) => (stream ? openai().responses.stream({ model, input, ...more }).finalResponse() : openai().responses.create({ model, input, ...more }));
sdks['openai responses'] = {
  async text(model, stream) {
    const r = await respond(model, {}, stream);
    assert.equal(r.status, 'completed');
    return r.output_text;
  },
  async tools(model, next, stream) {
    const tools = [{ type: 'function', name: 'weather', description: 'Tells the weather.', parameters, strict: false }];
    const r = await respond(model, { tools }, stream);
    const calls = r.output.filter((i) => i.type === 'function_call');
    const then = await respond(next, { tools, input: [...input, ...r.output, ...calls.map((c) => ({ type: 'function_call_output', call_id: c.call_id, output: 'sunny' }))] }, stream);
    return [calls.map((c) => [c.name, JSON.parse(c.arguments).call]), then.output_text];
  },
  async think(model, stream) {
    const r = await respond(model, { reasoning: { effort: 'low', summary: 'auto' } }, stream);
    return [r.output.find((i) => i.type === 'reasoning').summary.map((s) => s.text).join(''), r.output_text];
  },
  image: async (model) => (await respond(model, { input: [{ role: 'user', content: [{ type: 'input_text', text: question }, { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'auto' }] }] })).output_text,
  schema: async (model) => (await openai().responses.parse({ model, input: [{ role: 'user', content: echoed }], text: { format: { type: 'json_schema', name: 'trip', strict: true, schema: trip } } })).output_parsed,
  stream: (model, signal) => openai().responses.create({ model, input, stream: true }, { signal }),
  call: (model, key, stream) => openai(key).responses.create({ model, input, stream }),
  caught: (e) => [e instanceof openaiErrors[e.status], e.status],
};

const claude = (apiKey = KEY) => new Anthropic({ baseURL: t.gw.origin, apiKey, maxRetries: 0 });
const message = (model, more, stream) => {
  const body = { model, max_tokens: 4096, messages: user, ...more };
  return stream ? claude().messages.stream(body).finalMessage() : claude().messages.create(body);
};
const blocks = (r, type) => r.content.filter((b) => b.type === type);
const said = (r) => blocks(r, 'text').map((b) => b.text).join('');
const anthropicErrors = { 400: Anthropic.BadRequestError, 401: Anthropic.AuthenticationError, 429: Anthropic.RateLimitError, 502: Anthropic.InternalServerError, 503: Anthropic.InternalServerError };
sdks['@anthropic-ai/sdk'] = {
  async text(model, stream) {
    const r = await message(model, {}, stream);
    assert.equal(r.stop_reason, 'end_turn');
    return said(r);
  },
  async tools(model, next, stream) {
    const tools = [{ name: 'weather', description: 'Tells the weather.', input_schema: parameters }];
    const r = await message(model, { tools }, stream);
    assert.equal(r.stop_reason, 'tool_use');
    const results = blocks(r, 'tool_use').map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: 'sunny' }));
    const then = await message(next, { tools, messages: [...user, { role: 'assistant', content: r.content }, { role: 'user', content: results }] }, stream);
    return [blocks(r, 'tool_use').map((b) => [b.name, b.input.call]), said(then)];
  },
  async think(model, stream) {
    const r = await message(model, { thinking: { type: 'enabled', budget_tokens: 1024 } }, stream);
    return [blocks(r, 'thinking').map((b) => b.thinking).join(''), said(r)];
  },
  image: async (model) => said(await message(model, { messages: [{ role: 'user', content: [{ type: 'text', text: question }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }] }] })),
  schema: async (model) => JSON.parse(said(await message(model, { messages: [{ role: 'user', content: echoed }], output_config: { format: { type: 'json_schema', schema: trip } } }))),
  stream: (model, signal) => claude().messages.create({ model, max_tokens: 4096, messages: user, stream: true }, { signal }),
  call: (model, key, stream) => claude(key).messages.create({ model, max_tokens: 99, messages: user, stream }),
  caught: (e) => [e instanceof anthropicErrors[e.status], e.status],
};

const google = (apiKey = KEY) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: t.gw.origin } });
/** A chat, which keeps what a stream told it piece by piece and hands it back so. */
async function turn(chat, message, stream) {
  if (!stream) {
    const r = await chat.sendMessage({ message });
    return { parts: r.candidates[0].content.parts, reason: r.candidates[0].finishReason };
  }
  const parts = [];
  let reason;
  for await (const c of await chat.sendMessageStream({ message })) {
    parts.push(...c.candidates[0].content.parts);
    reason = c.candidates[0].finishReason ?? reason;
  }
  return { parts, reason };
}
const shown = (parts, thought = false) => parts.filter((p) => !!p.thought === thought).map((p) => p.text ?? '').join('');
sdks['@google/genai'] = {
  async text(model, stream) {
    const r = await turn(google().chats.create({ model }), question, stream);
    assert.equal(r.reason, 'STOP');
    return shown(r.parts);
  },
  async tools(model, next, stream, d) {
    const config = { tools: [{ functionDeclarations: [{ name: 'weather', description: 'Tells the weather.', parametersJsonSchema: parameters }] }], thinkingConfig: { includeThoughts: true } };
    const chat = google().chats.create({ model, config });
    const r = await turn(chat, question, stream);
    const calls = r.parts.filter((p) => p.functionCall).map((p) => p.functionCall);
    // A chat keeps a content for each event, and Google wants all calls of a turn in one.
    const history = d === 'gemini' ? [chat.getHistory()[0], { role: 'model', parts: r.parts }] : chat.getHistory(true);
    const on = google().chats.create({ model: next, config, history });
    const then = await turn(on, calls.map((c) => ({ functionResponse: { id: c.id, name: c.name, response: { output: 'sunny' } } })), stream);
    return [calls.map((c) => [c.name, c.args.call]), shown(then.parts)];
  },
  async think(model, stream) {
    const chat = google().chats.create({ model, config: { thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } } });
    const { parts } = await turn(chat, question, stream);
    assert.ok(chat.getHistory(true).length > 1, 'the turn is kept');
    assert.equal(shown((await turn(chat, 'And then?', stream)).parts, true), shown(parts, true), 'and goes back');
    return [shown(parts, true), shown(parts)];
  },
  image: async (model) => (await google().models.generateContent({ model, contents: [{ text: question }, { inlineData: { mimeType: 'image/png', data: PNG } }] })).text,
  schema: async (model) => JSON.parse((await google().models.generateContent({ model, contents: echoed, config: { responseMimeType: 'application/json', responseSchema: {
    type: 'OBJECT', properties: { city: { type: 'STRING' }, days: { type: 'NUMBER' } }, required: ['city', 'days'], propertyOrdering: ['city', 'days'] } } })).text),
  stream: (model, abortSignal) => google().models.generateContentStream({ model, contents: question, config: { abortSignal } }),
  call: (model, key, stream) => (stream ? google(key).models.generateContentStream({ model, contents: question }) : google(key).models.generateContent({ model, contents: question })),
  caught: (e) => [e instanceof ApiError, e.status],
};

// ---- the AI SDK, by its providers ----

function aiSdk(make, thinking, errors = APICallError) {
  const tools = { weather: tool({ description: 'Tells the weather.', inputSchema: jsonSchema({ ...parameters, additionalProperties: true }), execute: async () => 'sunny' }) };
  const ask = async (model, more, stream) => {
    const settings = { model: make()(model), maxRetries: 0, ...(more.messages ? {} : { prompt: question }), ...more };
    if (!stream) return generateText(settings);
    const failed = [];
    const r = streamText({ ...settings, onError: ({ error }) => failed.push(error) });
    await r.consumeStream();
    if (failed.length) throw failed[0];
    return { text: await r.text, reasoningText: await r.reasoningText, toolCalls: await r.toolCalls, finishReason: await r.finishReason, response: await r.response };
  };
  return {
    async text(model, stream) {
      const r = await ask(model, {}, stream);
      assert.equal(r.finishReason, 'stop');
      return r.text;
    },
    async tools(model, next, stream) {
      const r = await ask(model, { tools, stopWhen: stepCountIs(1) }, stream);
      assert.equal(r.finishReason, 'tool-calls');
      const then = await ask(next, { tools, messages: [{ role: 'user', content: question }, ...r.response.messages] }, stream);
      return [r.toolCalls.map((c) => [c.toolName, c.input.call]), then.text];
    },
    async think(model, stream) {
      const r = await ask(model, { providerOptions: thinking }, stream);
      return [r.reasoningText, r.text];
    },
    image: async (model) => (await ask(model, { messages: [{ role: 'user', content: [{ type: 'text', text: question }, { type: 'image', image: PNG, mediaType: 'image/png' }] }] })).text,
    schema: async (model) => (await generateText({ model: make()(model), maxRetries: 0, prompt: echoed, output: Output.object({ schema: Trip }) })).output,
    stream: async (model, abortSignal) => streamText({ model: make()(model), prompt: question, maxRetries: 0, abortSignal, onError: () => {} }).textStream,
    async call(model, key, stream) {
      return stream ? streamToEnd(make(key)(model)) : generateText({ model: make(key)(model), prompt: question, maxRetries: 0 });
    },
    caught: (e) => [errors.isInstance(e), e.statusCode],
  };
}
async function streamToEnd(model) {
  const failed = [];
  await streamText({ model, prompt: question, maxRetries: 0, onError: ({ error }) => failed.push(error) }).consumeStream();
  if (failed.length) throw failed[0];
}
sdks['AI SDK openai chat'] = aiSdk((apiKey = KEY) => createOpenAI({ baseURL: t.gw.url, apiKey }).chat, {});
sdks['AI SDK openai responses'] = aiSdk((apiKey = KEY) => createOpenAI({ baseURL: t.gw.url, apiKey }).responses, { openai: { reasoningEffort: 'low', reasoningSummary: 'auto', forceReasoning: true } });
sdks['AI SDK anthropic'] = aiSdk((apiKey = KEY) => createAnthropic({ baseURL: t.gw.url, apiKey }), { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } });
sdks['AI SDK google'] = aiSdk((apiKey = KEY) => createGoogleGenerativeAI({ baseURL: `${t.gw.origin}/v1beta`, apiKey }), { google: { thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } } });

// ---- LangChain ----

function langchain(make, thinking, thought, caught) {
  const gather = async (model, messages, stream, options) => {
    if (!stream) return model.invoke(messages, options);
    let sum;
    for await (const c of await model.stream(messages, options)) sum = sum ? sum.concat(c) : c;
    return sum;
  };
  const weather = { type: 'function', function: { name: 'weather', description: 'Tells the weather.', parameters } };
  return {
    text: async (model, stream) => (await gather(make(model), question, stream)).text,
    async tools(model, next, stream) {
      const first = await gather(make(model).bindTools([weather]), [new HumanMessage(question)], stream);
      const results = first.tool_calls.map((c) => new ToolMessage({ tool_call_id: c.id, name: c.name, content: 'sunny' }));
      const then = await gather(make(next).bindTools([weather]), [new HumanMessage(question), first, ...results], stream);
      return [first.tool_calls.map((c) => [c.name, c.args.call]), then.text];
    },
    async think(model, stream) {
      const r = await gather(make(model, thinking), question, stream);
      return [thought(r), r.text];
    },
    image: async (model) => (await make(model).invoke([new HumanMessage({ content: [{ type: 'text', text: question }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] })])).text,
    schema: (model) => make(model).withStructuredOutput(Trip, { method: 'jsonSchema', name: 'trip' }).invoke(echoed),
    stream: (model, signal) => make(model).stream(question, { signal }),
    call: (model, apiKey, stream) => gather(make(model, { apiKey }), question, stream),
    caught,
  };
}
const parts = (type, key) => (r) => (Array.isArray(r.content) ? r.content : []).filter((b) => b.type === type).map((b) => b[key] ?? '').join('');
sdks['LangChain openai'] = langchain((model, more) => new ChatOpenAI({ model, apiKey: KEY, configuration: { baseURL: t.gw.url }, maxRetries: 0, ...more }),
  {}, (r) => r.additional_kwargs.reasoning_content, (e) => [e instanceof openaiErrors[e.status], e.status]);
sdks['LangChain anthropic'] = langchain((model, more) => new ChatAnthropic({ model, apiKey: KEY, anthropicApiUrl: t.gw.origin, maxRetries: 0, maxTokens: 4096, ...more }),
  { thinking: { type: 'enabled', budget_tokens: 1024 } }, parts('thinking', 'thinking'), (e) => [e.constructor.name === anthropicErrors[e.status]?.name, e.status]); // of its own copy of the SDK
sdks['LangChain google'] = langchain((model, more) => new ChatGoogleGenerativeAI({ model, apiKey: KEY, baseUrl: t.gw.origin, maxRetries: 0, ...more }),
  { thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } }, parts('thinking', 'thinking'), (e) => [e.constructor.name === 'GoogleGenerativeAIFetchError', e.status]);

/* To abort it leaves a rejected promise of the SDK's that nobody handles: not in this process. */
sdks['LangChain google'].cancel = async (model) => {
  const child = new Child('langchain', process.execPath, ['--unhandled-rejections=none', '--input-type=module', '-e', `
    import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
    const leave = new AbortController();
    const llm = new ChatGoogleGenerativeAI({ model: '${model}', apiKey: '${KEY}', baseUrl: '${t.gw.origin}', maxRetries: 0 });
    let n = 0;
    setTimeout(() => process.exit(2), 5000).unref();
    try {
      for await (const piece of await llm.stream('x', { signal: leave.signal })) if (piece && ++n === 3) { console.log('left'); leave.abort(); }
    } catch {}
    setTimeout(() => {}, 1500); // what is closed is closed by the abort, not by the end of the process`], { cwd: here });
  await child.says(/left/);
};

// ---- what cannot be, and why ----

const cannot = {
  'LangChain google': { tools: { gemini: "the SDK sends each result in a content of its own, which Google refuses (and a gemini target gets the client's bytes)" } },
  'AI SDK openai chat': { think: "the SDK's Chat Completions model knows no reasoning_content" },
};

// ---- the gateway ----

const models = {};
for (const d of targets) {
  for (const [name, script] of Object.entries({ ...scripts, busy: d === 'anthropic' ? '529' : '503' })) models[`gemini-2.5-${d}-${name}`] = { targets: [`${d}/sim${script ? `?${script}` : ''}`] };
  for (const sdk of Object.keys(sdks)) {
    const tag = `${d}-${sdk.replace(/\W+/g, '-')}`;
    models[`gemini-2.5-${tag}-slow`] = { targets: [`${d}/sim?tokens=1000,gap=30ms,tag=slow-${tag}`] };
    models[`gemini-2.5-${tag}-picture`] = { targets: [`${d}/sim?tokens=4,tag=picture-${tag}`] };
  }
}
const t = await pair((sim) => ((simulator = sim.origin), {
  keys: [{ name: 'app', key: KEY }],
  retry: { attempts: 1, target_rest: '0', key_bench: '0' },
  providers: {
    openai: { base_url: sim.url },
    anthropic: { dialect: 'anthropic', base_url: sim.url, keys: ['sk-ant'] },
    gemini: { dialect: 'gemini', base_url: `${sim.origin}/v1beta`, keys: ['AIza'] },
    ollama: { dialect: 'ollama', base_url: sim.origin },
    bedrock: { dialect: 'bedrock', base_url: sim.origin, region: 'eu-central-1', keys: ['bedrock-key'] },
    azure: { dialect: 'azure', base_url: `http://127.0.0.1:${azure.address().port}`, keys: ['azure-key'] },
  },
  models,
}));
const count = { passed: 0, cells: 0, cannot: 0 };
after(async () => {
  console.log(`# sdk matrix: ${count.passed} of ${count.cells} cells pass, ${count.cannot} cannot be (${Object.keys(sdks).length} SDKs, ${targets.length} dialects)`);
  await t.stop();
  await new Promise((done) => azure.close(done));
});

// ---- the cells ----

const words = (s) => (s ?? '').trim().split(/\s+/).filter(Boolean).length;
const rows = {
  async plain(sdk, d) {
    assert.equal(words(await sdk.text(`gemini-2.5-${d}-text`, false)), 6);
  },
  async streamed(sdk, d) {
    assert.equal(await sdk.text(`gemini-2.5-${d}-text`, true), await sdk.text(`gemini-2.5-${d}-text`, false));
  },
  async tools(sdk, d) {
    for (const stream of [false, true]) {
      const [calls, then] = await sdk.tools(`gemini-2.5-${d}-tools`, `gemini-2.5-${d}-after`, stream, d);
      assert.deepEqual(calls, [['weather', 0], ['weather', 1]]);
      assert.equal(words(then), 3);
    }
  },
  async image(sdk, d, tag) {
    assert.equal(words(await sdk.image(`gemini-2.5-${tag}-picture`)), 4);
    const [entry] = await t.sim.log(`sim?tokens=4,tag=picture-${tag}`);
    assert.ok(entry.body_bytes > PNG.length, `the picture did not arrive: ${entry.body_bytes} bytes`);
  },
  async schema(sdk, d) {
    assert.deepEqual(await sdk.schema(`gemini-2.5-${d}-echo`), TRIP);
  },
  async think(sdk, d) {
    for (const stream of [false, true]) {
      const [thought, said] = await sdk.think(`gemini-2.5-${d}-think`, stream);
      assert.deepEqual([words(thought), words(said)], [5, 4], `${stream ? 'streamed' : 'whole'}: ${thought} | ${said}`);
    }
  },
  async cancel(sdk, d, tag) {
    const leave = new AbortController();
    let left;
    if (sdk.cancel) await sdk.cancel(`gemini-2.5-${tag}-slow`);
    else try {
      let n = 0;
      for await (const piece of await sdk.stream(`gemini-2.5-${tag}-slow`, leave.signal)) {
        if (piece !== undefined && ++n === 3) {
          left = Date.now();
          leave.abort();
        }
      }
    } catch (e) {
      assert.ok(left, e.stack);
    }
    const log = () => t.sim.log(`sim?tokens=1000,gap=30ms,tag=slow-${tag}`);
    await eventually(async () => (await log())[0]?.peer_left, 'the upstream being left', 1000);
    assert.ok((await log())[0].bytes_out > 0);
  },
  async errors(sdk, d) {
    for (const stream of [false, true])
      for (const [name, key, status] of [['rate', KEY, 429], ['bad', KEY, 400], ['busy', KEY, 503], ['broken', KEY, 502], ['text', 'sk-wrong', 401]])
        await assert.rejects(async () => {
          const r = await sdk.call(`gemini-2.5-${d}-${name}`, key, stream);
          if (stream && r?.[Symbol.asyncIterator]) await joined(r, () => '');
        }, (e) => {
          assert.deepEqual(sdk.caught(e), [true, status], `${name}, ${stream ? 'streamed' : 'whole'}: ${e.constructor.name} ${e.message}`);
          return true;
        });
  },
};

for (const [name, sdk] of Object.entries(sdks))
  for (const d of targets)
    for (const [row, run] of Object.entries(rows)) {
        const reason = cannot[name]?.[row];
      const why = reason?.[d] ?? (typeof reason === 'string' ? reason : undefined);
      if (why) count.cannot++;
      else count.cells++;
      test(`${name} on ${d}: ${row}`, { skip: why }, async () => {
        await run(sdk, d, `${d}-${name.replace(/\W+/g, '-')}`);
        count.passed++;
      });
    }

test('the row of each thing that cannot be is still there', () => {
  for (const [name, list] of Object.entries(cannot)) for (const [row, why] of Object.entries(list)) assert.ok(sdks[name] && rows[row] && why, `${name} ${row}`);
  assert.ok(slow >= 1 && count.cells + count.cannot === Object.keys(sdks).length * targets.length * Object.keys(rows).length);
});
