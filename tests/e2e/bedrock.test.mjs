// Bedrock and Azure behind the gateway: the simulator, which refuses what Converse would refuse, and
// a server here that knows the secret and reckons each signature anew.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import { after, test } from 'node:test';
import { Gateway, Simulator, ask, chat, chatStream, question } from './harness.mjs';

const access = 'AKIDEXAMPLE', secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', session = 'FwoGZXIvYXdzE//x==';

// ---- Amazon, as far as it checks who asks ----

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const encode = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** What is wrong with the request's signature; nothing when it is right. */
function flaw(req, body) {
  const [, id, day, region, service, names, signature] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d+)\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w+)$/
      .exec(req.headers.authorization ?? '') ?? [];
  if (id !== access || region !== 'eu-central-1' || service !== 'bedrock') return `not signed: ${req.headers.authorization}`;
  const time = req.headers['x-amz-date'];
  if (!time.startsWith(day) || Math.abs(Date.parse(time.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:')) - Date.now()) > 300e3)
    return `signed at ${time}`;
  const unsigned = Object.keys(req.headers).filter((n) => n.startsWith('x-amz-') && !names.split(';').includes(n));
  if (unsigned.length > 0) return `not signed: ${unsigned}`;
  const canonical = [
    req.method, req.url.split('/').map(encode).join('/'), '',
    ...names.split(';').map((n) => `${n}:${req.headers[n]}`), '', names, sha256(body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce(hmac, `AWS4${secret}`);
  return hmac(key, text).toString('hex') === signature ? undefined : `the signature is not that of\n${canonical}`;
}

function crc32(bytes) {
  let crc = ~0;
  for (const b of bytes) {
    crc ^= b;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function frame(headers, payload) {
  const head = Buffer.concat(Object.entries(headers).flatMap(([name, value]) =>
    [Buffer.from([name.length]), Buffer.from(name), Buffer.from([7, value.length >> 8, value.length & 255]), Buffer.from(value)]));
  const body = Buffer.from(JSON.stringify(payload));
  const message = Buffer.alloc(16 + head.length + body.length);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  head.copy(message, 12);
  body.copy(message, 12 + head.length);
  message.writeUInt32BE(crc32(message.subarray(0, -4)), message.length - 4);
  return message;
}

const event = (type, payload) =>
  frame({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }, payload);
const exception = (type, payload) =>
  frame({ ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' }, payload);

const seen = [];
const amazon = http.createServer(async (req, res) => {
  const pieces = [];
  for await (const p of req) pieces.push(p);
  const body = Buffer.concat(pieces), wrong = flaw(req, body);
  seen.push({ url: req.url, headers: req.headers, body: JSON.parse(body) });
  if (wrong) {
    res.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'InvalidSignatureException' });
    return res.end(JSON.stringify({ message: wrong }));
  }
  if (req.url.endsWith('/invoke')) {
    res.writeHead(200, { 'content-type': 'application/json', 'x-amzn-bedrock-input-token-count': '3' });
    return res.end(JSON.stringify({ embeddings: { float: JSON.parse(body).texts.map((t) => [t.length, 0.5]) } }));
  }
  res.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
  const stream = Buffer.concat([
    event('messageStart', { role: 'assistant' }),
    event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'grüß ' } }),
    event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'dich' } }),
    event('contentBlockStop', { contentBlockIndex: 0 }),
    ...(req.url.includes('breaks') ? [exception('modelStreamErrorException', { message: 'it broke' })] : [
      event('messageStop', { stopReason: 'end_turn' }),
      event('metadata', { usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 }, metrics: { latencyMs: 1 } })]),
  ]);
  for (let at = 0; at < stream.length; at += 7) {
    res.write(stream.subarray(at, at + 7));
    await new Promise(setImmediate);
  }
  res.end();
});
await new Promise((done) => amazon.listen(0, '127.0.0.1', done));

const azureSeen = [];
const azure = http.createServer(async (req, res) => {
  let body = '';
  for await (const p of req) body += p;
  azureSeen.push({ url: req.url, headers: req.headers, body });
  res.writeHead(404, { 'content-type': 'application/json' });
  res.end('{"error":{"code":"DeploymentNotFound","message":"m"}}');
});
await new Promise((done) => azure.listen(0, '127.0.0.1', done));

const sim = await Simulator.start('--seed', '3');
const amazonUrl = `http://127.0.0.1:${amazon.address().port}`;
const gw = await Gateway.start({
  retry: { attempts: 2, initial: '10ms' },
  providers: {
    amazon: { dialect: 'bedrock', region: 'eu-central-1', base_url: amazonUrl, key: '${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}:${AWS_SESSION_TOKEN}' },
    stale: { dialect: 'bedrock', region: 'eu-central-1', base_url: amazonUrl, keys: [`${access}:wrong`, `${access}:${secret}`] },
    azure: { dialect: 'azure', base_url: `http://127.0.0.1:${azure.address().port}`, key: 'azure-key' },
    sim: { dialect: 'bedrock', region: 'us-east-1', base_url: sim.origin, key: 'bedrock-api-key' },
  },
}, { env: { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: session } });
after(async () => {
  for (const s of [amazon, azure]) {
    s.close();
    s.closeAllConnections();
  }
  await gw.stop();
  await sim.stop();
});

test('a signed request is answered, in frames cut anywhere', async () => {
  const r = await chatStream(gw, 'amazon/eu.anthropic.claude-sonnet-4-5-20250929-v1:0', { stream_options: { include_usage: true } },
    { headers: { 'x-amz-meta': 'unsigned' } });
  assert.equal(r.status, 200, r.text);
  const { url, headers } = seen.at(-1);
  assert.equal(url, '/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream');
  assert.equal(headers['x-amz-security-token'], session);
  assert.match(r.text, /"content":"grüß "/);
  assert.match(r.text, /"content":"dich"/);
  assert.match(r.text, /"finish_reason":"stop"/);
  assert.match(r.text, /"prompt_tokens":3,"completion_tokens":2/);
  assert.ok(r.text.endsWith('data: [DONE]\n\n'));
});

test('R16: a key that cannot sign rests, and the next one does', async () => {
  const r = await chatStream(gw, 'stale/m');
  assert.equal(r.status, 200, r.text);
  assert.match(r.text, /dich/);
});

test('R11: an exception behind content is an error, and no end', async () => {
  const r = await chatStream(gw, 'amazon/breaks');
  assert.match(r.text, /it broke/);
  assert.doesNotMatch(r.text, /\[DONE\]/);
});

test('embeddings are signed as well', async () => {
  for (const provider of ['amazon', 'stale']) {
    const r = await ask(gw.origin, 'POST', '/v1/embeddings', { model: `${provider}/eu.cohere.embed-v4:0`, input: ['grüß', 'dich!'] });
    assert.equal(r.status, 200, r.text);
    assert.equal(seen.at(-1).url, '/model/eu.cohere.embed-v4%3A0/invoke');
    assert.deepEqual(r.json.data.map((d) => d.embedding), [[4, 0.5], [5, 0.5]]);
    assert.equal(r.json.usage.prompt_tokens, 3);
  }
});

// ---- Azure ----

test('Azure is asked at its own paths, with its own credential, in the client\'s bytes', async () => {
  const rest = '"messages":[{"role":"user","content":"\\u00e4"}],"n" : 1}';
  const r = await ask(gw.origin, 'POST', '/v1/chat/completions', `{"model":"azure/gpt 4o",${rest}`);
  assert.equal(r.status, 404, r.text);
  const { url, headers, body } = azureSeen.at(-1);
  assert.equal(url, '/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21');
  assert.equal(headers['api-key'], 'azure-key');
  assert.equal(headers.authorization, undefined);
  assert.equal(body, `{"model":"gpt 4o",${rest}`);
});

// ---- the simulator ----

test('whole and streamed, the simulator is understood and understands', async () => {
  const whole = await chat(gw, 'sim/sim?tokens=12');
  assert.equal(whole.status, 200, whole.text);
  assert.equal(whole.json.choices[0].finish_reason, 'stop');
  assert.equal(whole.json.choices[0].message.content.split(' ').length, 12);
  assert.equal(whole.json.usage.completion_tokens, 12);
  for (const style of ['', ',split-every-byte', ',glued']) {
    const r = await chatStream(gw, `sim/sim?tokens=12${style}`);
    const chunks = r.text.split('\n\n').filter((l) => l.startsWith('data: {')).map((l) => JSON.parse(l.slice(6)));
    assert.equal(chunks.map((c) => c.choices[0]?.delta.content ?? '').join(''), whole.json.choices[0].message.content, style);
    assert.ok(r.text.endsWith('data: [DONE]\n\n'), style);
  }
});

const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }];

for (const style of ['parallel', 'interleaved', 'whole'])
  test(`R8: tool calls, ${style}, and their way back`, async () => {
    const model = `sim/sim?tools-${style},calls=3`;
    const whole = await chat(gw, model, { tools });
    const { tool_calls: calls } = whole.json.choices[0].message;
    assert.equal(whole.json.choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(calls.map((c) => JSON.parse(c.function.arguments).call), [0, 1, 2]);
    const r = await chatStream(gw, model, { tools });
    const streamed = [];
    for (const l of r.text.split('\n\n').filter((l) => l.startsWith('data: {')))
      for (const c of JSON.parse(l.slice(6)).choices[0]?.delta.tool_calls ?? []) {
        streamed[c.index] ??= { id: c.id, name: c.function.name, arguments: '' };
        streamed[c.index].arguments += c.function.arguments ?? '';
      }
    assert.equal(new Set(streamed.map((c) => c.id)).size, 3);
    assert.deepEqual(streamed.map((c) => [c.name, JSON.parse(c.arguments).call]), [['weather', 0], ['weather', 1], ['weather', 2]]);
    const { messages } = question('sim');
    const next = await chat(gw, 'sim/sim?tokens=3', { tools, messages: [
      ...messages, whole.json.choices[0].message,
      ...calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: 'sunny' })),
    ] });
    assert.equal(next.status, 200, next.text);
  });

test('R46: signed thoughts and calls of Claude, and their way back', async () => {
  const messages = [{ role: 'user', content: 'Where does the caravan rest?' }];
  const own = [{ name: 'weather', input_schema: { type: 'object', properties: {} } }];
  const thinking = { type: 'enabled', budget_tokens: 1024 };
  const say = (model, more) => ask(gw.origin, 'POST', '/v1/messages',
    { model: `sim/${model}`, max_tokens: 4096, tools: own, thinking, messages, ...more });
  const first = await say('claude-sonnet-4-5-sim?reasoning=4,tools-parallel,calls=2');
  assert.equal(first.status, 200, first.text);
  assert.deepEqual(first.json.content.map((b) => b.type), ['thinking', 'tool_use', 'tool_use']);
  assert.match(first.json.content[0].signature, /^sim0/);
  assert.equal(first.headers['x-dragoman-dropped-params'], undefined);
  const streamed = await say('claude-sonnet-4-5-sim?reasoning=4,tools-parallel,calls=2', { stream: true });
  const events = streamed.text.split('\n').filter((l) => l.startsWith('data: ')).map((l) => JSON.parse(l.slice(6)));
  const blocks = events.filter((e) => e.type === 'content_block_start').map((e) => e.content_block);
  assert.deepEqual(blocks.map((b) => [b.type, b.name]), first.json.content.map((b) => [b.type, b.name]));
  assert.equal(events.find((e) => e.delta?.type === 'signature_delta').delta.signature.slice(0, 4), 'sim0');
  const delta = events.find((e) => e.type === 'message_delta');
  assert.equal(delta.delta.stop_reason, 'tool_use');
  assert.equal(delta.usage.output_tokens, first.json.usage.output_tokens);
  assert.equal(events.at(-1).type, 'message_stop');
  const next = await say('claude-sonnet-4-5-sim?tokens=3', { messages: [
    ...messages, { role: 'assistant', content: first.json.content },
    { role: 'user', content: first.json.content.slice(1).map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: 'sunny' })) },
  ] });
  assert.equal(next.status, 200, next.text);
  assert.equal(next.json.stop_reason, 'end_turn');
});

test('a refusal keeps its meaning', async () => {
  for (const [fault, status] of [['400', 400], ['429', 429], ['503', 503], ['error-first', 503]]) {
    const r = await chat(gw, `sim/sim?${fault}`, fault === 'error-first' ? { stream: true } : {});
    assert.equal(r.status, status, `${fault}: ${r.text}`);
  }
});
