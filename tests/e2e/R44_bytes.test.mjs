// R44, R49, R64: what the client wrote goes upstream byte for byte but for the spliced fields, and
// what the upstream wrote comes back byte for byte.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { after, test } from 'node:test';
import { Upstream, ask, completion, pair, readStream, reply } from './harness.mjs';

let answer;
const own = await Upstream.start((q, a) => answer(q, a));
const t = await pair({
  providers: { own: { base_url: own.url } },
  models: {
    'gpt-x': { targets: ['own/gpt-x'] },
    'quo"ted': { targets: ['own/gpt-x'] },
    renamed: { targets: ['own/other \u00e9\u4f60"name'] },
  },
  limits: { json_depth: 32 },
});
after(async () => {
  await t.stop();
  await own.stop();
});

const post = (text) => ask(t.gw.origin, 'POST', '/v1/chat/completions', Buffer.from(text));
const sent = () => own.asked.at(-1).body.toString('utf8');

const oddRest = `"messages" : [ {"role":"user","content":"a\\u00e9\\ud83d\\ude42 \\/ é你🙂 \\"q\\""} ],
\t"temperature": 1.0e+0 , "top_p":0.10000000000000000555, "seed":  9007199254740993,"big":123456789012345678901234567890,
  "neg":-0, "unknown_field":{"deep":[1,2,{"x":null}], "model":"not this one"}, "user":""`;

for (const [name, text, expected] of [
  ['the same name: not a byte changes', `{ "model" : "gpt-x",${oddRest}}`, (s) => s],
  ['the model last', `{${oddRest}\r\n,"model":"gpt-x"  }  \n`, (s) => s],
  ['another name', `{ "model" : "renamed",${oddRest}}`, (s) => s.replace('"renamed"', '"other \u00e9\u4f60\\"name"')],
  ['a name with escapes', `{"model":"gp\\u0074-x",${oddRest}}`, (s) => s],
  ['a key with escapes', `{"mod\\u0065l":"renamed",${oddRest}}`, (s) => s.replace('"renamed"', '"other \u00e9\u4f60\\"name"')],
  ['duplicates of what we do not read', `{"model":"gpt-x","x":1,"x":2,${oddRest}}`, (s) => s],
  ['a lone surrogate in the text', `{"model":"gpt-x","z":"\\ud800",${oddRest}}`, (s) => s],
  ['an escaped NUL in the text', `{"model":"gpt-x","z":"\\u0000",${oddRest}}`, (s) => s],
  ['a stream with usage spliced in', `{"model":"gpt-x","stream":true,${oddRest}}`,
    (s) => s.replace('{', '{"stream_options":{"include_usage":true},')],
  ['a stream with options of its own', `{"model":"gpt-x","stream":true,"stream_options": { "include_obfuscation":false},${oddRest}}`,
    (s) => s.replace('{ "include_ob', '{"include_usage":true, "include_ob')],
]) {
  test(`R44 a request goes upstream as written: ${name}`, async () => {
    answer = (q, a) => reply(a, 200, completion('ok'));
    const r = await post(text);
    assert.ok([200, 502].includes(r.status), r.text); // a stream answered with JSON is refused: not the point
    assert.equal(sent(), expected(text));
    assert.equal(Number(own.asked.at(-1).headers['content-length']), Buffer.byteLength(expected(text)));
  });
}

test('R44 an answer comes back as written, unknown fields, odd spaces and numbers included', async () => {
  const body = `\n{ "id":"x","object":"chat.completion","created":1.0,"model":"whatever", "vendor":{"n":12345678901234567890},
  "choices":[{"index":0,"message":{"role":"assistant","content":"h\\u00e9","reasoning_content":"x"},"finish_reason":"stop","extra":[ ]}],
  "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"odd":{}}, "timings":{"a":0.10000000000000000555} } \n`;
  answer = (q, a) => reply(a, 200, body, { 'x-vendor-hint': 'kept', 'openai-processing-ms': '12' });
  const r = await post(`{"model":"gpt-x",${oddRest}}`);
  assert.equal(r.status, 200);
  assert.equal(r.text, body);
  assert.equal(r.headers['x-vendor-hint'], 'kept');
  assert.equal(r.headers['openai-processing-ms'], '12');
  assert.equal(Number(r.headers['content-length']), Buffer.byteLength(body));
});

test('R44 a stream comes back as written', async () => {
  const chunk = (delta, finish = null, more = '') =>
    `data: {"id":"x" ,"object":"chat.completion.chunk","created":1,"model":"m","vendor":1e2,"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${finish}}]${more}}\n\n`;
  const events = [
    chunk('{"role":"assistant","content":"","refusal":null}'),
    chunk('{"content":"h\\u00e9 é"}', 'null', ',"obfuscation":"abc"'),
    'event: vendor.progress\ndata: {"choices":[],"vendor":true}\n\n',
    'id: 7\nretry: 10\n' + chunk('{"content":" x"}'),
    chunk('{}', '"stop"'),
    'data: [DONE]\n\n',
  ].join('');
  answer = (q, a) => {
    a.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-vendor-hint': 'kept' });
    a.end(events);
  };
  const r = await readStream(t.gw.origin, '/v1/chat/completions', `{"model":"gpt-x","stream":true,"stream_options":{"include_usage":true},${oddRest}}`);
  assert.equal(r.text, events);
  assert.equal(r.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(r.headers['x-vendor-hint'], 'kept');
});

// ---- R49 ----

for (const [name, bytes, param] of [
  ['no body', '', null],
  ['not JSON', 'hello', null],
  ['half a body', '{"model":"gpt-x","messages":[', null],
  ['something behind the body', `{"model":"gpt-x",${oddRest}} x`, null],
  ['two bodies', `{"model":"gpt-x",${oddRest}}{"model":"gpt-x",${oddRest}}`, null],
  ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(`{"model":"gpt-x",${oddRest}}`)]), null],
  ['a raw NUL', `{"model":"gpt-x","z":"\0",${oddRest}}`, null],
  ['a raw NUL between members', `{"model":"gpt-x",\0${oddRest}}`, null],
  ['invalid UTF-8', Buffer.concat([Buffer.from('{"model":"gpt-x","z":"'), Buffer.from([0xc3, 0x28]), Buffer.from(`",${oddRest}}`)]), null],
  ['an overlong encoding', Buffer.concat([Buffer.from('{"model":"gpt-x","z":"'), Buffer.from([0xc0, 0xaf]), Buffer.from(`",${oddRest}}`)]), null],
  ['a raw surrogate', Buffer.concat([Buffer.from('{"model":"gpt-x","z":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from(`",${oddRest}}`)]), null],
  ['a comment', `{"model":"gpt-x",/* */${oddRest}}`, null],
  ['a trailing comma', `{"model":"gpt-x",${oddRest},}`, null],
  ['NaN', `{"model":"gpt-x","n":NaN,${oddRest}}`, null],
  ['nesting beyond the limit', `{"model":"gpt-x","z":${'['.repeat(40)}${']'.repeat(40)},${oddRest}}`, null],
  ['nesting beyond any stack', `{"model":"gpt-x","z":${'['.repeat(200000)}`, null],
  ['two models', `{"model":"gpt-x","model":"renamed",${oddRest}}`, 'model'],
  ['two models, one escaped', `{"model":"gpt-x","m\\u006fdel":"renamed",${oddRest}}`, 'model'],
  ['two streams', `{"model":"gpt-x","stream":true,"stream":false,${oddRest}}`, 'stream'],
  ['a lone surrogate in the model', `{"model":"gpt-\\ud800",${oddRest}}`, 'model'],
  ['a number as the model', `{"model":7,${oddRest}}`, 'model'],
  ['no model', `{${oddRest}}`, 'model'],
  ['an empty model', `{"model":"",${oddRest}}`, 'model'],
  ['no messages', '{"model":"gpt-x"}', 'messages'],
  ['messages that are none', '{"model":"gpt-x","messages":"hello"}', 'messages'],
  ['an array as the body', '[{"model":"gpt-x"}]', null],
  ['a word as stream', `{"model":"gpt-x","stream":"yes",${oddRest}}`, 'stream'],
]) {
  test(`R49 ${name}: a 400 that says so, and nothing goes upstream`, async () => {
    const calls = own.asked.length;
    const r = await post(bytes);
    assert.equal(r.status, 400, r.text);
    const { error } = r.json;
    assert.equal(error.type, 'invalid_request_error');
    assert.ok(['invalid_json', 'invalid_request'].includes(error.code), error.code);
    assert.equal(error.param, param);
    assert.ok(error.message.length > 10);
    assert.equal(own.asked.length, calls);
  });
}

test('R49 nesting up to the limit passes', async () => {
  answer = (q, a) => reply(a, 200, completion('ok'));
  const text = `{"model":"gpt-x","z":${'['.repeat(30)}${']'.repeat(30)},${oddRest}}`;
  assert.equal((await post(text)).status, 200);
  assert.equal(sent(), text);
});

test('R49 an unknown model with odd bytes is named in a valid answer', async () => {
  const r = await post(`{"model":"a\\u0000\\u001b\\"<é🙂>",${oddRest}}`);
  assert.equal(r.status, 404);
  assert.equal(r.json.error.code, 'model_not_found');
  assert.equal(r.json.error.param, 'model');
});

// ---- R64 ----

test('R64 a compressed answer is decoded or refused, never passed off as something else', async () => {
  const body = JSON.stringify(completion('zipped'));
  answer = (q, a) => {
    assert.equal(q.headers['accept-encoding'], 'identity');
    reply(a, 200, gzipSync(body), { 'content-encoding': 'gzip' });
  };
  const r = await post(`{"model":"gpt-x",${oddRest}}`);
  if (r.status === 200) {
    assert.equal(r.headers['content-encoding'], undefined);
    assert.equal(Number(r.headers['content-length']), r.bytes.length);
    assert.equal(r.text, body);
  } else {
    assert.equal(r.status, 502);
    assert.equal(r.json.error.code, 'upstream_bad_response');
  }
});

for (const fault of ['gzip', 'wrong-length-short']) {
  for (const stream of [false, true]) {
    test(`R64 ${fault} (${stream ? 'stream' : 'whole'}): lengths and encodings are true`, async () => {
      const r = await readStream(t.gw.origin, '/v1/chat/completions',
        JSON.stringify({ model: `sim/sim?tokens=5,${fault}`, stream, messages: [{ role: 'user', content: 'x' }] }));
      assert.equal(r.headers['content-encoding'], undefined);
      if (r.headers['content-length']) assert.equal(Number(r.headers['content-length']), r.bytes.length);
      if (r.status === 200 && stream) assert.ok(r.done === 1 || r.errors.length === 1, r.text);
      else if (r.status === 200) assert.equal(r.chunks.length, 0);
      else assert.equal(r.status, 502);
    });
  }
}

test('R64 HEAD is answered with the length and without the body', async () => {
  const get = await ask(t.gw.origin, 'GET', '/v1/models');
  const head = await ask(t.gw.origin, 'HEAD', '/v1/models');
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
  assert.equal(head.headers['content-length'], get.headers['content-length']);
});
