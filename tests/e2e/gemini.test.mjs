// Gemini's generateContent as clients speak it: what passes, what is translated, who may call, what is
// refused and how. (What its SDKs make of it, against targets of every dialect: sdk_matrix.test.mjs.)
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import { Gateway, Upstream, ask, completion, eventually, pair, parseEvents, reply } from './harness.mjs';

const dialects = ['openai', 'anthropic', 'gemini', 'ollama', 'bedrock'];
const at = (origin) => ({
  openai: { dialect: 'openai', base_url: `${origin}/v1` },
  anthropic: { dialect: 'anthropic', base_url: `${origin}/v1`, keys: ['sk-ant-upstream'] },
  gemini: { dialect: 'gemini', base_url: `${origin}/v1beta`, keys: ['AIza-upstream'] },
  ollama: { dialect: 'ollama', base_url: origin },
  bedrock: { dialect: 'bedrock', base_url: origin, region: 'eu-central-1', keys: ['bedrock-key'] },
});

let heard;
const whole = { candidates: [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } };
const own = await Upstream.start((q, a, body) => {
  heard = { url: q.url, headers: q.headers, text: body.toString(), body: JSON.parse(body) };
  reply(a, 200, q.url.includes(':') ? whole : completion('ok'));
});
const t = await pair((sim) => ({
  retry: { attempts: 2, initial: '10ms', target_rest: '0', key_bench: '0' },
  providers: { ...at(sim.origin), own: { dialect: 'gemini', base_url: `${own.origin}/v1beta`, keys: ['AIza-secret'] }, 'own-openai': { base_url: own.url }, 'own-ollama': { dialect: 'ollama', base_url: own.origin } },
  models: {
    chat: { targets: ['anthropic/sim?tokens=5'] },
    falls: { strategy: 'ordered', targets: ['gemini/sim?error-first', 'anthropic/sim?tokens=5'] },
    picky: { strategy: 'ordered', targets: ['own-openai/m', 'own/real'] },
    late: { strategy: 'ordered', targets: ['openai/sim?slow-ttft,ttft=500ms,cut-rst,after=0', 'anthropic/sim?tokens=3'] },
  },
}));
after(async () => {
  await t.stop();
  await own.stop();
});

const contents = [{ role: 'user', parts: [{ text: 'Where does the caravan rest?' }] }];
const url = (model, action = 'generateContent') => `/v1beta/models/${encodeURIComponent(model)}:${action}`;
const post = (model, action, more = {}, options) => ask(t.gw.origin, 'POST', url(model, action), { contents, ...more }, options);
const google = (gw = t.gw, apiKey = 'none') => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: gw.origin } });
const text = (j) => j.candidates[0].content.parts.map((p) => p.text ?? '').join('');
const chunks = (r) => parseEvents(r.text).events.map((e) => JSON.parse(e.data));
const joined = (list) => list.map(text).join('');
const words = (s) => s.trim().split(/\s+/).length;

// ---- on the same dialect ----

test('R44 to a gemini target the body passes byte for byte, and so does the answer', async () => {
  const answer = '{"candidates": [{"content":{"parts":[{"text":"caf\\u00e9"}],"role":"model"},"finishReason":"STOP","new":1.0}],"unheard_of":{"a" : null}}';
  let sent;
  const upstream = await Upstream.start((q, a, body) => ((sent = { body: body.toString(), url: q.url, headers: q.headers }), reply(a, 200, answer, { 'x-goog-new': '1' })));
  const gw = await Gateway.start({ providers: { g: { dialect: 'gemini', base_url: `${upstream.origin}/v1beta`, key: 'AIza-secret' } }, models: { alias: { targets: ['g/gemini-9'] } } });
  try {
    const body = '{ "contents":[{"parts":[{"text":"\\u0041"}]}] ,"generation_config":{"top_p":0.10},"cachedContent":"cachedContents/1","tools":[{"googleSearch":{}}],"new":12345678901234567890}';
    for (const path of ['/v1beta/models/g%2Fgemini-9:generateContent', '/v1beta/models/g/gemini-9:generateContent', '/v1/models/alias:generateContent', '/v1beta/g/gemini-9:generateContent']) {
      const r = await ask(gw.origin, 'POST', `${path}?prettyPrint=false&key=client-key`, Buffer.from(body), { headers: { 'x-goog-api-client': 'test/1', 'x-goog-api-key': 'other' } });
      assert.equal(r.status, 200, r.text);
      assert.equal(r.text, answer);
      assert.equal(sent.body, body);
      assert.equal(sent.url, '/v1beta/models/gemini-9:generateContent?prettyPrint=false');
      assert.equal(sent.headers['x-goog-api-key'], 'AIza-secret');
      assert.equal(sent.headers['x-goog-api-client'], 'test/1');
      assert.equal(r.headers['x-goog-new'], '1');
      assert.equal(r.headers['x-dragoman-dropped-params'], undefined);
    }
    const named = await ask(gw.origin, 'POST', '/v1beta/models/alias:generateContent', Buffer.from('{"model": "models/alias","contents":[]}'));
    assert.equal(named.status, 200, named.text);
    assert.equal(sent.body, '{"model": "models/gemini-9","contents":[]}');
    const other = await ask(gw.origin, 'POST', '/v1beta/models/alias:generateContent', { model: 'models/g/gemini-10', contents: [] });
    assert.equal(other.status, 400);
    assert.match(other.json.error.message, /'model'/);
  } finally {
    await gw.stop();
    await upstream.stop();
  }
});

test('R44 a stream of a gemini target passes byte for byte', async () => {
  const events = ['data: {"candidates":[{"content":{"parts":[{"text":"caf\\u00e9"}],"role":"model"},"index":0}], "p" : 1e2}\r\n\r\n',
    'data: {"unheard_of":[1.0]}\r\n\r\n', 'data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}}\r\n\r\n'];
  let sent;
  const upstream = await Upstream.start((q, a) => {
    sent = q.url;
    a.writeHead(200, { 'content-type': 'text/event-stream' });
    a.end(events.join(''));
  });
  const gw = await Gateway.start({ providers: { g: { dialect: 'gemini', base_url: `${upstream.origin}/v1beta` } } });
  try {
    const r = await ask(gw.origin, 'POST', '/v1beta/models/g/m:streamGenerateContent?key=k&alt=sse', { contents });
    assert.equal(r.text, events.join(''));
    assert.equal(sent, '/v1beta/models/m:streamGenerateContent?alt=sse');
    const line = await gw.accessOf(r.headers['x-request-id']);
    assert.equal(line.surface, 'gemini');
    assert.equal(line.model, 'g/m');
    assert.equal(line.tokens.completion, 4);
    const array = await ask(gw.origin, 'POST', '/v1beta/models/g/m:streamGenerateContent', { contents });
    assert.deepEqual(array.json, events.filter((e) => e.startsWith('data')).map((e) => JSON.parse(e.slice(6))));
    assert.match(array.headers['content-type'], /^application\/json/);
  } finally {
    await gw.stop();
    await upstream.stop();
  }
});

// ---- who may call ----

test('R50 a client key comes in a header or in the query, and stays here', async () => {
  const KEY = 'sk-client+0123456789/=';
  const gw = await Gateway.start({ keys: [{ name: 'app', key: KEY, models: ['chat', 'own/*'] }], providers: { ...at(t.sim.origin), own: { dialect: 'gemini', base_url: `${own.origin}/v1beta`, keys: ['AIza-secret'] } },
    models: { chat: { targets: ['openai/sim?tokens=2'] }, secret: { targets: ['openai/sim'] } } });
  const call = (path, headers = {}) => ask(gw.origin, 'POST', path, { contents }, { headers });
  try {
    const q = encodeURIComponent(KEY);
    for (const model of ['chat', 'own/real']) {
      const path = `/v1beta/models/${model}:generateContent`;
      for (const [p, h] of [[path, { 'x-goog-api-key': KEY }], [`${path}?key=${q}`, {}], [`${path}?alt=json&%6bey=${q}`, {}], [path, { authorization: `Bearer ${KEY}` }]])
        assert.equal((await call(p, h)).status, 200, `${p} ${JSON.stringify(h)}`);
      if (model === 'own/real') assert.doesNotMatch(JSON.stringify(heard), /client/);
      for (const [p, h] of [[path, {}], [`${path}?key=wrong`, {}], [`${path}?key=${q}&key=${q}`, {}], [`${path}?key=${q}`, { 'x-goog-api-key': KEY }], [`${path}?key=`, {}], [`${path}?key=a&key=b`, { 'x-goog-api-key': KEY }], [path, { 'x-goog-api-key': 'wrong' }]]) {
        const r = await call(p, h);
        assert.equal(r.status, 401, p);
        assert.equal(r.json.error.status, 'UNAUTHENTICATED');
        assert.equal(r.json.error.code, 401);
      }
    }
    assert.equal((await ask(gw.origin, 'GET', `/v1beta/models?key=${q}`)).json.models.length, 1, 'and the list is what the key may use');
    assert.equal((await ask(gw.origin, 'POST', `/v1/chat/completions?key=${q}`, { model: 'chat', messages: [] })).status, 401, 'not on other paths');
    assert.equal((await call('/v1beta/models/secret:generateContent', { 'x-goog-api-key': KEY })).json.error.status, 'PERMISSION_DENIED');
    await gw.idle();
    assert.ok(!(gw.stdout + gw.stderr).includes(KEY) && !(gw.stdout + gw.stderr).includes(q), 'nor in the logs');
  } finally {
    await gw.stop();
  }
});

test('a field of Google\'s stays from other makers, both ways', async () => {
  await ask(t.gw.origin, 'POST', url('own-openai/m'), { contents }, { headers: { 'x-goog-api-client': 'x', 'x-goog-user-project': 'p' } });
  assert.deepEqual(Object.keys(heard.headers).filter((k) => k.startsWith('x-goog')), []);
});

// ---- what is refused, and how ----

test("errors are Google's, with the status that its SDK throws", async () => {
  for (const [model, action, more, status, word, param] of [
    ['nothing', 'generateContent', {}, 404, 'NOT_FOUND', 'model'],
    ['chat', 'generateContent', { contents: undefined }, 400, 'INVALID_ARGUMENT', 'contents'],
    ['chat', 'generateContent', { contents: [{ parts: [{ text: 1 }] }] }, 400, 'INVALID_ARGUMENT', 'contents[0].parts[0].text'],
    ['chat', 'generateContent', { cachedContent: 'cachedContents/1' }, 400, 'INVALID_ARGUMENT', 'cachedContent'],
    ['chat', 'streamGenerateContent?alt=proto', {}, 400, 'INVALID_ARGUMENT', 'alt'],
    ['chat', 'countTokens', {}, 501, 'UNIMPLEMENTED', 'model'],
    ['anthropic/sim?400', 'generateContent', {}, 400, 'INVALID_ARGUMENT'],
    ['openai/sim?422', 'generateContent', {}, 422, 'INVALID_ARGUMENT'],
    ['openai/sim?500', 'streamGenerateContent?alt=sse', {}, 502, 'UNAVAILABLE'],
    ['anthropic/sim?529', 'generateContent', {}, 503, 'UNAVAILABLE'],
  ]) {
    const r = await post(model, action, more);
    assert.equal(r.status, status, r.text);
    const { code, status: said, message, details } = r.json.error;
    assert.deepEqual([code, said], [status, word], r.text);
    assert.ok(message);
    const of = (type) => details.find((d) => d['@type'] === `type.googleapis.com/google.rpc.${type}`);
    assert.equal(of('RequestInfo').requestId, r.headers['x-request-id']);
    assert.equal(of('BadRequest')?.fieldViolations[0].field, param);
    assert.match(of('ErrorInfo').reason, /^[A-Z_]+$/);
  }
  const busy = await post('anthropic/sim?retry-after-int,ra=90s');
  assert.equal(busy.status, 429);
  /* What is left of the 90 s when the client is told: under load some milliseconds have passed. */
  const [, left] = /^(\d+\.\d{3})s$/.exec(busy.json.error.details.find((d) => d['@type'].endsWith('RetryInfo')).retryDelay);
  assert.ok(left > 80 && left <= 90, left);
  assert.equal(Number(busy.headers['retry-after']), Math.ceil(left));
  assert.equal((await ask(t.gw.origin, 'POST', url('chat'), Buffer.from('{'))).json.error.status, 'INVALID_ARGUMENT');
  const get = await ask(t.gw.origin, 'GET', url('chat'));
  assert.deepEqual([get.status, get.headers.allow, get.json.error.code], [405, 'POST', 405]);
  assert.equal((await ask(t.gw.origin, 'POST', '/v1beta/models/chat:embedContents', {})).json.error.status, 'NOT_FOUND');
});

test("a gemini target's own refusal passes as it came", async () => {
  const itself = await ask(t.sim.origin, 'POST', '/v1beta/models/sim%3F404:generateContent', { contents }, { headers: { 'x-goog-api-key': 'k' } });
  const r = await post('gemini/sim?404');
  assert.deepEqual([r.status, r.text], [itself.status, itself.text]);
});

test('R45 what cannot be said is named; strict refuses it; another target is asked', async () => {
  const odd = { safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }], generationConfig: { responseLogprobs: true } };
  const r = await post('anthropic/sim', 'generateContent', odd);
  assert.equal(r.headers['x-dragoman-dropped-params'], 'safetySettings, generationConfig.responseLogprobs');
  const file = { contents: [{ parts: [{ fileData: { mimeType: 'application/pdf', fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x' } }] }] };
  assert.equal((await post('own-ollama/m', 'generateContent', file)).status, 400);
  assert.equal((await post('picky', 'generateContent', { cachedContent: 'cachedContents/1' })).status, 200);
  assert.match(heard.url, /real:generateContent/);
  const strict = await Gateway.start({ translation: { strict: true }, providers: at(t.sim.origin) });
  try {
    const s = await ask(strict.origin, 'POST', url('anthropic/sim'), { contents, ...odd });
    assert.equal(s.status, 400);
    assert.match(s.json.error.message, /safetySettings/);
    assert.equal((await ask(strict.origin, 'POST', url('gemini/sim'), { contents, safetySettings: odd.safetySettings })).status, 200, 'the same dialect takes it');
  } finally {
    await strict.stop();
  }
});

// ---- streams ----

for (const d of dialects) {
  test(`${d}: whole, as events and as an array say the same`, async () => {
    for (const script of ['tokens=6', 'reasoning=3,tokens=2', 'tools-parallel,calls=2']) {
      const tools = script.startsWith('tools') ? { tools: [{ functionDeclarations: [{ name: 'weather', parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } } }] }] } : {};
      const model = `${d}/sim?${script}`;
      const one = (await post(model, 'generateContent', tools)).json;
      const events = chunks(await post(model, 'streamGenerateContent?alt=sse', tools));
      const array = (await post(model, 'streamGenerateContent', tools)).json;
      assert.equal(joined(events), text(one));
      assert.equal(joined(array), text(one));
      const calls = (list) => list.flatMap((c) => c.candidates[0].content.parts).filter((p) => p.functionCall).map((p) => [p.functionCall.name, p.functionCall.args]);
      assert.deepEqual(calls(events), calls([one]));
      assert.deepEqual(calls(array), calls([one]));
      assert.equal(calls([one]).length, script.startsWith('tools') ? 2 : 0);
      for (const list of [events, array, [one]]) {
        assert.equal(list.at(-1).candidates[0].finishReason, 'STOP');
        assert.equal(list.slice(0, -1).filter((c) => c.candidates[0].finishReason).length, 0);
        assert.ok(list.every((c) => c.candidates[0].content.parts.length > 0 && c.candidates[0].content.role === 'model'));
        assert.equal(list.at(-1).usageMetadata.totalTokenCount, one.usageMetadata.totalTokenCount);
        assert.equal(new Set(list.map((c) => c.responseId)).size, 1);
      }
    }
  });

  test(`R3 ${d}: a stream that is cut ends in an error, and no finish reason`, async () => {
    for (const fault of ['cut-rst,after=3', 'cut-fin,after=3']) {
      const model = `${d}/sim?${fault},tokens=9`;
      const events = chunks(await post(model, 'streamGenerateContent?alt=sse'));
      const array = (await post(model, 'streamGenerateContent')).json;
      for (const list of [events, array]) {
        assert.ok(list.length > 1, JSON.stringify(list));
        assert.equal(list.at(-1).error.code, 502);
        assert.equal(list.at(-1).error.details[0].reason, 'UPSTREAM_STREAM_TRUNCATED');
        assert.ok(list.slice(0, -1).every((c) => !c.candidates[0].finishReason));
      }
      await assert.rejects(async () => {
        for await (const c of await google().models.generateContentStream({ model: encodeURIComponent(model), contents: 'x' })) assert.ok(c);
      }, (e) => e instanceof ApiError && e.status === 502);
    }
  });

  test(`${d}: a whole answer where a stream was asked for is told as one`, async () => {
    const model = `${d}/sim?json-for-sse,tokens=4`;
    assert.equal(words(joined(chunks(await post(model, 'streamGenerateContent?alt=sse')))), 4);
    assert.equal(words(joined((await post(model, 'streamGenerateContent')).json)), 4);
  });
}

test('R10 a failure before the content goes to another dialect', async () => {
  for (const action of ['streamGenerateContent?alt=sse', 'streamGenerateContent']) {
    const r = await post('falls', action);
    assert.equal(r.headers['x-dragoman-attempts'], '2');
    assert.equal(words(joined(action.endsWith('sse') ? chunks(r) : r.json)), 5);
  }
});

test('a silent stream is kept alive by what the API knows, and an array by space', async () => {
  const gw = await Gateway.start({ providers: at(t.sim.origin), stream: { keepalive: '100ms' }, retry: { attempts: 2, initial: '300ms' },
    models: { late: { strategy: 'ordered', targets: ['openai/sim?slow-ttft,ttft=500ms,cut-rst,after=0', 'anthropic/sim?tokens=3'] }, never: { strategy: 'ordered', targets: ['openai/sim?slow-ttft,ttft=300ms,cut-rst,after=0'] } } });
  const call = (model, alt) => ask(gw.origin, 'POST', url(model, `streamGenerateContent${alt}`), { contents });
  try {
    const events = chunks(await call('late', '?alt=sse'));
    assert.equal(text(events[0]), '', 'an empty text first');
    assert.equal(words(joined(events)), 3);
    const chat = google(gw).chats.create({ model: 'late' });
    for await (const c of await chat.sendMessageStream({ message: 'x' })) assert.ok(c.candidates.length);
    assert.ok(chat.getHistory(true).length > 2, 'which the SDK does not take for a void turn');
    const pauses = await ask(gw.origin, 'POST', url('anthropic/sim?tokens=3,gap=500ms', 'streamGenerateContent?alt=sse'), { contents });
    assert.ok(chunks(pauses).filter((c) => c.candidates[0].content?.parts?.[0].text === '' && !c.modelVersion).length >= 4, `in the middle, too: ${pauses.text}`);
    const array = await call('late', '');
    assert.match(array.text, /^\n/);
    assert.equal(words(joined(array.json)), 3);
    for (const alt of ['?alt=sse', '']) {
      const r = await call('never', alt);
      assert.equal((alt ? chunks(r) : r.json).at(-1).error.code, 502, r.text);
    }
  } finally {
    await gw.stop();
  }
});

test('R1 to leave a stream leaves the upstream', async () => {
  for (const alt of ['?alt=sse', '']) {
    const model = `sim?tokens=1000,gap=30ms,tag=left-gemini${alt.length}`;
    const leave = new AbortController();
    const r = await fetch(`${t.gw.origin}${url(`anthropic/${model}`, `streamGenerateContent${alt}`)}`, { method: 'POST', body: JSON.stringify({ contents }), signal: leave.signal });
    await r.body.getReader().read();
    leave.abort();
    await eventually(async () => (await t.sim.only(model)).peer_left, 'the upstream being left');
  }
});

// ---- the rest of the API ----

test('tokens are counted by a gemini target, and by nobody else', async () => {
  assert.equal((await google().models.countTokens({ model: 'gemini/sim', contents: 'Where does the caravan rest?' })).totalTokens, 5);
  const r = await ask(t.gw.origin, 'POST', '/v1beta/models/own/real:countTokens?key=k', { generateContentRequest: { model: 'models/own/real', contents } });
  assert.equal(r.status, 502, 'an answer that is no count');
  assert.equal(heard.url, '/v1beta/models/real:countTokens');
  assert.equal(heard.body.generateContentRequest.model, 'models/real');
});

test('models are listed as the SDK reads them', async () => {
  const names = [];
  for await (const m of await google().models.list()) names.push(m.name);
  assert.deepEqual(names.slice(0, 4), ['models/chat', 'models/falls', 'models/picky', 'models/late']);
  assert.equal((await google().models.get({ model: 'chat' })).name, 'models/chat');
  await assert.rejects(google().models.get({ model: 'nothing' }), (e) => e instanceof ApiError && e.status === 404);
});

test('a long talk, and a long answer, have room', async () => {
  const talk = Array.from({ length: 2001 }, (_, i) => ({ role: i % 2 ? 'model' : 'user', parts: [{ text: `Turn ${i}.` }] }));
  for (const d of dialects) {
    assert.equal((await post(`${d}/sim?tokens=3`, 'generateContent', { contents: talk })).status, 200);
    const r = await post(`${d}/sim?tokens=100000`, 'generateContent', { generationConfig: { maxOutputTokens: 400000 } });
    assert.equal(r.status, 200, r.text.slice(0, 300));
    assert.equal(words(text(r.json)), 100000);
  }
});
