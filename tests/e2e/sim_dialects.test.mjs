// The simulator itself, asked by the official SDKs of Anthropic and Google: an upstream that their
// own clients do not understand, or whose errors they do not know, would prove nothing. Ollama's
// dialect has lines of JSON and needs no SDK.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai';
import { Simulator, ask } from './harness.mjs';

const sim = await Simulator.start('--seed', '3');
after(() => sim.stop());

const words = (text) => text.split(' ').length;

// ---- Anthropic ----

const claude = new Anthropic({ baseURL: sim.origin, apiKey: 'sk-ant-test', maxRetries: 0 });
const question = [{ role: 'user', content: 'Where does the caravan rest?' }];
const message = (model, more = {}) => ({ model, max_tokens: 4096, messages: question, ...more });
const weather = {
  name: 'weather',
  description: 'Tells the weather.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

test('anthropic: a message, whole and streamed, says the same', async () => {
  const whole = await claude.messages.create(message('sim?tokens=12'));
  assert.equal(whole.type, 'message');
  assert.equal(whole.stop_reason, 'end_turn');
  assert.equal(whole.content.length, 1);
  assert.equal(words(whole.content[0].text), 12);
  assert.deepEqual([whole.usage.input_tokens, whole.usage.output_tokens], [5, 12]);
  const final = await claude.messages.stream(message('sim?tokens=12')).finalMessage();
  assert.deepEqual(final.content, whole.content);
  assert.equal(final.stop_reason, 'end_turn');
  assert.deepEqual([final.usage.input_tokens, final.usage.output_tokens], [5, 12]);
});

test('anthropic: the echo, the request id, the limits', async () => {
  const { data, response, request_id } = await claude.messages.create(message('sim')).withResponse();
  assert.equal(data.content[0].text, question[0].content);
  assert.match(request_id, /^req_[0-9a-f]{16}$/);
  assert.ok(Date.parse(response.headers.get('anthropic-ratelimit-tokens-reset')) > Date.now());
});

test('anthropic: unkind framing changes nothing', async () => {
  const plain = await claude.messages.create(message('sim?tokens=20'));
  for (const style of ['crlf', 'no-space', 'comments', 'glued', 'split-every-byte', 'split-utf8', 'gzip']) {
    const final = await claude.messages.stream(message(`sim?tokens=20,${style}`)).finalMessage();
    assert.deepEqual(final.content, plain.content, style);
  }
});

for (const style of ['parallel', 'interleaved', 'whole'])
  test(`anthropic: tool calls, ${style}`, async () => {
    const model = `sim?tools-${style},calls=3`;
    const whole = await claude.messages.create(message(model, { tools: [weather] }));
    const final = await claude.messages.stream(message(model, { tools: [weather] })).finalMessage();
    for (const m of [whole, final]) {
      assert.equal(m.stop_reason, 'tool_use');
      assert.deepEqual(m.content.map((b) => [b.type, b.name, b.input.call]),
        [0, 1, 2].map((n) => ['tool_use', 'weather', n]));
      assert.equal(new Set(m.content.map((b) => b.id)).size, 3);
    }
    assert.deepEqual(final.content.map((b) => b.input), whole.content.map((b) => b.input));
  });

const thinking = { type: 'enabled', budget_tokens: 1024 };

test('anthropic: a turn with thinking and tools is taken back as it was given, and only so', async () => {
  const first = await claude.messages.stream(
    message('sim?reasoning=9,tools-parallel', { tools: [weather], thinking })).finalMessage();
  const [thought, ...calls] = first.content;
  assert.equal(thought.type, 'thinking');
  assert.equal(words(thought.thinking), 9);
  assert.equal(first.usage.output_tokens_details.thinking_tokens, 9);
  const next = (content) => message('sim', {
    tools: [weather], thinking,
    messages: [...question, { role: 'assistant', content },
      { role: 'user', content: calls.map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: 'sunny' })) }],
  });
  const second = await claude.messages.create(next(first.content));
  assert.equal(second.content[0].text, question[0].content);
  await assert.rejects(claude.messages.create(next(calls)), /Expected `thinking`/);
  await assert.rejects(claude.messages.create(next([{ ...thought, thinking: 'else' }, ...calls])),
    /Invalid `signature`/);
});

test('anthropic: tokens are counted', async () => {
  assert.deepEqual({ ...(await claude.messages.countTokens({ model: 'sim', messages: question })) }, { input_tokens: 5 });
});

test('anthropic: each status throws its own class', async () => {
  for (const [fault, kind, status, type] of [
    ['400', Anthropic.BadRequestError, 400, 'invalid_request_error'],
    ['401', Anthropic.AuthenticationError, 401, 'authentication_error'],
    ['403', Anthropic.PermissionDeniedError, 403, 'permission_error'],
    ['404', Anthropic.NotFoundError, 404, 'not_found_error'],
    ['409', Anthropic.ConflictError, 409, 'invalid_request_error'],
    ['422', Anthropic.UnprocessableEntityError, 422, 'invalid_request_error'],
    ['429', Anthropic.RateLimitError, 429, 'rate_limit_error'],
    ['500', Anthropic.InternalServerError, 500, 'api_error'],
    ['529', Anthropic.InternalServerError, 529, 'overloaded_error'],
    ['context-window', Anthropic.BadRequestError, 400, 'invalid_request_error'],
    ['quota', Anthropic.BadRequestError, 400, 'invalid_request_error'],
  ])
    await assert.rejects(claude.messages.create(message(`sim?${fault}`)), (e) => {
      assert.ok(e instanceof kind, `${fault}: ${e.constructor.name}`);
      assert.equal(e.status, status);
      assert.equal(e.error.error.type, type);
      assert.match(e.requestID, /^req_/);
      return true;
    });
});

test('anthropic: an error inside a stream is thrown, with or without a beginning', async () => {
  for (const fault of ['error-first', 'lifecycle-then-error']) {
    const seen = [];
    await assert.rejects(async () => {
      for await (const e of await claude.messages.create(message(`sim?${fault}`, { stream: true }))) seen.push(e.type);
    }, (e) => e instanceof Anthropic.APIError && e.error.error.type === 'overloaded_error');
    assert.deepEqual(seen, fault === 'error-first' ? [] : ['message_start']);
  }
});

test('anthropic: a retry waits for as long as it is told to', async () => {
  const patient = new Anthropic({ baseURL: sim.origin, apiKey: 'k', maxRetries: 1 });
  const before = Date.now();
  const r = await patient.messages.create(message('sim?retry-after-ms,ra=300ms,flip=1,tag=patient'));
  assert.equal(r.content[0].text, question[0].content);
  assert.ok(Date.now() - before >= 290);
});

test('anthropic: a stream without its end is noticed', async () => {
  await assert.rejects(claude.messages.stream(message('sim?cut-fin,after=2')).finalMessage());
  await assert.rejects(claude.messages.stream(message('sim?no-done')).finalMessage());
});

test('anthropic: what the API does not know is refused', async () => {
  for (const [more, words] of [
    [{ n: 2 }, /n: Extra inputs are not permitted/],
    [{ max_tokens: undefined }, /max_tokens: Field required/],
    [{ messages: [{ role: 'system', content: 'x' }] }, /Unexpected role/],
  ])
    await assert.rejects(claude.messages.create(message('sim', more)), (e) =>
      e instanceof Anthropic.BadRequestError && words.test(e.message));
});

test('anthropic: sampling belongs to the version before', async () => {
  const older = new Anthropic({
    baseURL: sim.origin, apiKey: 'k', maxRetries: 0, defaultHeaders: { 'anthropic-version': '2023-06-01' },
  });
  assert.ok(await older.messages.create(message('sim', { temperature: 0.5, top_p: 0.9 })));
  await assert.rejects(claude.messages.create(message('sim', { temperature: 1 })),
    /temperature: Extra inputs are not permitted/);
});

// ---- Google ----

const google = new GoogleGenAI({ apiKey: 'AIza-test', httpOptions: { baseUrl: sim.origin } });
const named = encodeURIComponent; // the name stands in the path
const contents = question[0].content;
const functions = [{ functionDeclarations: [{
  name: 'weather', parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
}] }];

async function drain(stream) {
  const chunks = [];
  for await (const c of await stream) chunks.push(c);
  return chunks;
}

test('google: an answer, whole and streamed, says the same', async () => {
  const whole = await google.models.generateContent({ model: named('sim?tokens=12'), contents });
  assert.equal(words(whole.text), 12);
  assert.equal(whole.candidates[0].finishReason, 'STOP');
  assert.equal(whole.usageMetadata.totalTokenCount, 17);
  const chunks = await drain(google.models.generateContentStream({ model: named('sim?tokens=12'), contents }));
  assert.equal(chunks.map((c) => c.text ?? '').join(''), whole.text);
  assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
  assert.deepEqual(chunks.map((c) => c.usageMetadata.candidatesTokenCount), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12]);
});

test('google: settings, a system instruction, several candidates', async () => {
  const r = await google.models.generateContent({
    model: named('sim?tokens=50'), contents,
    config: { systemInstruction: 'Be brief.', temperature: 0.5, maxOutputTokens: 7, candidateCount: 2,
      stopSequences: ['X'], responseMimeType: 'application/json',
      responseSchema: { type: Type.OBJECT, properties: { a: { type: Type.ARRAY, items: { type: Type.STRING } } } },
      thinkingConfig: { includeThoughts: true, thinkingBudget: 128 } },
  });
  assert.equal(r.candidates.length, 2);
  assert.deepEqual(r.candidates.map((c) => c.finishReason), ['MAX_TOKENS', 'MAX_TOKENS']);
  assert.equal(r.usageMetadata.promptTokenCount, 7);
});

test('google: thoughts and function calls, and their way back', async () => {
  const model = named('gemini-3-sim?reasoning=4,tools-parallel,calls=2');
  const config = { tools: functions, toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } } };
  const chunks = await drain(google.models.generateContentStream({ model, contents, config }));
  const whole = await google.models.generateContent({ model, contents, config });
  const parts = chunks.flatMap((c) => c.candidates[0].content.parts);
  assert.equal(parts.filter((p) => p.thought).length, 4);
  const calls = whole.candidates[0].content.parts.filter((p) => p.functionCall);
  assert.deepEqual(parts.filter((p) => p.functionCall).map((p) => p.functionCall), calls.map((p) => p.functionCall));
  assert.deepEqual(whole.functionCalls.map((f) => [f.name, f.args.call]), [['weather', 0], ['weather', 1]]);
  assert.equal(whole.usageMetadata.thoughtsTokenCount, 4);
  const next = (given, answers) => google.models.generateContent({
    model: 'gemini-3-sim', config: { tools: functions },
    contents: [{ role: 'user', parts: [{ text: contents }] }, { role: 'model', parts: given },
      { role: 'user', parts: answers }],
  });
  const answers = calls.map((p) => ({ functionResponse: { name: p.functionCall.name, response: { sky: 'blue' } } }));
  assert.equal((await next(calls, answers)).text, contents);
  await assert.rejects(next(calls, answers.slice(1)), /number of function response parts/);
  await assert.rejects(next(calls.map((p) => ({ functionCall: p.functionCall })), answers), /missing a thought_signature/);
});

test('google: tokens are counted', async () => {
  assert.equal((await google.models.countTokens({ model: 'sim', contents })).totalTokens, 5);
});

test('google: each status throws an ApiError that says it', async () => {
  for (const [fault, status, words] of [
    ['400', 400, /INVALID_ARGUMENT/],
    ['401', 401, /UNAUTHENTICATED/],
    ['invalid-key', 400, /API_KEY_INVALID/],
    ['403', 403, /PERMISSION_DENIED/],
    ['404', 404, /NOT_FOUND/],
    ['429', 429, /RESOURCE_EXHAUSTED/],
    ['retry-after-ms,ra=34400ms', 429, /"retryDelay":"34\.400s"/],
    ['500', 500, /INTERNAL/],
    ['503', 503, /UNAVAILABLE/],
    ['529', 529, /UNAVAILABLE/],
  ])
    for (const call of [
      () => google.models.generateContent({ model: named(`sim?${fault}`), contents }),
      () => drain(google.models.generateContentStream({ model: named(`sim?${fault}`), contents })),
    ])
      await assert.rejects(call(), (e) => {
        assert.ok(e instanceof ApiError, `${fault}: ${e}`);
        assert.equal(e.status, status);
        assert.match(e.message, words);
        return true;
      });
});

test('google: an error inside a stream is thrown', async () => {
  for (const fault of ['error-first', 'lifecycle-then-error'])
    await assert.rejects(drain(google.models.generateContentStream({ model: named(`sim?${fault}`), contents })),
      /overloaded/);
});

test('google: unkind framing changes nothing', async () => {
  const plain = await google.models.generateContent({ model: named('sim?tokens=20'), contents });
  for (const style of ['lf', 'crlf', 'cr', 'no-space', 'split-every-byte', 'split-utf8', 'gzip']) {
    const chunks = await drain(google.models.generateContentStream({ model: named(`sim?tokens=20,${style}`), contents }));
    assert.equal(chunks.map((c) => c.text ?? '').join(''), plain.text, style);
  }
});

test('google: a schema beyond its subset is refused', async () => {
  const r = await ask(sim.origin, 'POST', '/v1beta/models/sim:generateContent', {
    contents: [{ parts: [{ text: 'x' }] }],
    tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', additionalProperties: false } }] }],
  }, { headers: { 'x-goog-api-key': 'k' } });
  assert.equal(r.status, 400);
  assert.match(r.json.error.message, /Unknown name "additionalProperties" at 'tools\[0\]/);
});

// ---- Ollama ----

const chat = (model, more = {}) => ask(sim.origin, 'POST', '/api/chat', { model, messages: question, ...more });

test('ollama: lines of JSON unless told otherwise, and the same words', async () => {
  const whole = await chat('sim?tokens=12', { stream: false });
  assert.equal(words(whole.json.message.content), 12);
  assert.equal(whole.json.eval_count, 12);
  const streamed = await chat('sim?tokens=12');
  assert.match(streamed.headers['content-type'], /^application\/x-ndjson/);
  const lines = streamed.text.trim().split('\n').map((l) => JSON.parse(l));
  assert.equal(lines.map((l) => l.message.content).join(''), whole.json.message.content);
  assert.deepEqual(lines.map((l) => l.done).filter(Boolean), [true]);
  assert.equal(lines.at(-1).done_reason, 'stop');
});

test('ollama: refusals and errors are one sentence', async () => {
  const r = await chat('sim', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] });
  assert.equal(r.status, 400);
  assert.match(r.json.error, /cannot unmarshal array into Go struct field ChatRequest\.messages\.content/);
  assert.equal((await chat('sim?404')).status, 404);
});

// ---- Refusals ----

test('a refused request of a script that splits what is sent is refused to its last byte', async () => {
  for (const path of ['/v1/messages', '/v1/chat/completions', '/v1/responses', '/api/chat']) {
    const r = await ask(sim.origin, 'POST', path, { model: 'sim?split-every-byte', messages: 1, input: 1 }, { headers: { 'x-api-key': 'k' } });
    assert.equal(r.status, 400, `${path}: ${r.text}`);
    assert.ok(r.json.error, path);
  }
});

// ---- The log ----

test('the log has the requests of every dialect, without their keys', async () => {
  await claude.messages.create(message('sim?tag=logged'));
  await google.models.generateContent({ model: named('sim?tag=logged'), contents });
  await chat('sim?tag=logged');
  const log = await sim.log('sim?tag=logged');
  assert.deepEqual(log.map((e) => e.path),
    ['/v1/messages', '/v1beta/models/sim%3Ftag%3Dlogged:generateContent', '/api/chat']);
  assert.doesNotMatch(JSON.stringify(log), /sk-ant-test|AIza-test/);
});
