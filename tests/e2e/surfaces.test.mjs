// The surfaces beside chat: models, completions, embeddings; how a model is addressed; pinned
// versions; browsers; errors of paths and methods.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Gateway, Upstream, ask, chat, completion, eventually, pair, question, readStream, reply } from './harness.mjs';

let version = '2023-05-15';
const versioned = await Upstream.start((q, a) => reply(a, 200, completion('ok'), { 'openai-version': version }));
const t = await pair({
  providers: {
    versioned: { base_url: versioned.url, version: '2023-05-15', organization: 'org-ours', project: 'proj-ours', headers: { 'x-team': 'blue' } },
    silent: { base_url: versioned.url, version: 'v9', version_header: 'x-api-version' },
  },
  models: {
    chat: { targets: [{ provider: 'sim', model: 'sim?tokens=4' }] },
    'org/team/model:free': { targets: [{ provider: 'sim', model: 'sim?tokens=5' }] },
    'sim/shadowed': { targets: [{ provider: 'sim', model: 'sim?tokens=2' }] },
    embed: { targets: [{ provider: 'sim', model: 'sim-embedding' }] },
  },
  cors: { origins: ['https://app.example'], max_age: '5m' },
});
const anyOrigin = await Gateway.start({ providers: { sim: { base_url: t.sim.url } }, cors: { origins: ['*'] } });
after(async () => {
  await anyOrigin.stop();
  await t.stop();
  await versioned.stop();
});
const openai = new OpenAI({ baseURL: t.gw.url, apiKey: 'none', maxRetries: 0 });

// ---- models ----

test('GET /v1/models lists aliases and targets, as the official SDK reads them', async () => {
  const models = [];
  for await (const m of openai.models.list()) models.push(m);
  const ids = models.map((m) => m.id);
  assert.deepEqual(ids.slice(0, 4), ['chat', 'org/team/model:free', 'sim/shadowed', 'embed']);
  assert.ok(ids.includes('sim/sim?tokens=4'));
  assert.equal(new Set(ids).size, ids.length, 'each once');
  for (const m of models) {
    assert.equal(m.object, 'model');
    assert.ok(Number.isInteger(m.created));
    assert.equal(typeof m.owned_by, 'string');
  }
});

test('GET /v1/models of a client of Anthropic has the form that its official SDK reads', async () => {
  const claude = new Anthropic({ baseURL: t.gw.origin, apiKey: 'none', maxRetries: 0 });
  const page = await claude.models.list();
  assert.equal(page.has_more, false);
  assert.deepEqual([page.first_id, page.last_id], [page.data[0].id, page.data.at(-1).id]);
  const models = [];
  for await (const m of page) models.push(m);
  const openais = (await ask(t.gw.origin, 'GET', '/v1/models')).json.data;
  assert.deepEqual(models.map((m) => m.id), openais.map((m) => m.id));
  for (const m of models) {
    assert.deepEqual([m.type, m.display_name, m.lifecycle], ['model', m.id, 'active']);
    assert.equal(Date.parse(m.created_at), openais[0].created * 1000);
    for (const unknown of ['capabilities', 'deprecated_at', 'line', 'max_input_tokens', 'max_tokens', 'retires_at']) assert.equal(m[unknown], null);
  }
  assert.deepEqual(await claude.models.retrieve('org/team/model:free'), models[1]);
  await assert.rejects(claude.models.retrieve('nothing'), (e) => e instanceof Anthropic.NotFoundError && e.type === 'not_found_error');
});

test('GET /v1/models/{id}: ids with slashes, encoded or not', async () => {
  assert.equal((await openai.models.retrieve('chat')).id, 'chat');
  for (const path of ['org/team/model:free', 'org%2Fteam%2Fmodel:free', encodeURIComponent('org/team/model:free')]) {
    const r = await ask(t.gw.origin, 'GET', `/v1/models/${path}`);
    assert.equal(r.status, 200, `${path}: ${r.text}`);
    assert.equal(r.json.id, 'org/team/model:free');
  }
  assert.equal((await openai.models.retrieve('org/team/model:free')).id, 'org/team/model:free');
});

test('GET /v1/models/{id} of what is not there is a 404 that says so', async () => {
  await assert.rejects(openai.models.retrieve('nothing'), (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found');
});

// ---- addressing ----

test('a model is an alias first, then provider/model, and the rest of the name is the model', async () => {
  const target = async (model) => (await chat(t.gw, model)).headers['x-dragoman-target'];
  assert.equal(await target('chat'), 'sim/sim?tokens=4');
  assert.equal(await target('org/team/model:free'), 'sim/sim?tokens=5');
  assert.equal(await target('sim/shadowed'), 'sim/sim?tokens=2');
  assert.equal(await target('sim/vendor/some/model'), 'sim/vendor/some/model');
  assert.equal((await t.sim.log('vendor/some/model')).length, 1);
});

test('a model nobody serves is a 404 with the name in it', async () => {
  for (const model of ['nothing', 'nobody/m', 'sim/', '/m', 'Chat', 'chat ']) {
    const r = await chat(t.gw, model);
    assert.equal(r.status, 404, model);
    assert.equal(r.json.error.code, 'model_not_found');
    assert.equal(r.json.error.param, 'model');
    assert.ok(r.json.error.message.includes(model), r.json.error.message);
  }
});

// ---- completions and embeddings ----

test('POST /v1/completions, whole and streamed', async () => {
  const whole = await openai.completions.create({ model: 'chat', prompt: 'Say it' });
  assert.equal(whole.object, 'text_completion');
  assert.ok(whole.choices[0].text.length > 0);
  let text = '';
  for await (const c of await openai.completions.create({ model: 'chat', prompt: 'Say it', stream: true })) text += c.choices[0]?.text ?? '';
  assert.equal(text, whole.choices[0].text);
  const r = await readStream(t.gw.origin, '/v1/completions', JSON.stringify({ model: 'chat', prompt: 'Say it', stream: true }));
  assert.equal(r.done, 1);
  assert.equal(r.usage, null);
  assert.ok((await ask(t.gw.origin, 'POST', '/v1/completions', { model: 'chat' })).json.error.param === 'prompt');
});

test('POST /v1/embeddings: base64 as the SDK asks for it, floats as others do', async () => {
  const input = ['a caravan', 'another caravan', 'three ships'];
  const packed = await openai.embeddings.create({ model: 'embed', input });
  const floats = await openai.embeddings.create({ model: 'embed', input, encoding_format: 'float' });
  assert.equal(packed.data.length, 3);
  packed.data.forEach((d, i) => {
    assert.equal(d.index, i);
    assert.equal(d.embedding.length, floats.data[i].embedding.length);
    d.embedding.forEach((x, k) => assert.ok(Math.abs(x - floats.data[i].embedding[k]) < 1e-6));
  });
  const raw = await ask(t.gw.origin, 'POST', '/v1/embeddings', { model: 'embed', input: 'x', encoding_format: 'base64' });
  assert.equal(typeof raw.json.data[0].embedding, 'string');
  const tokens = await openai.embeddings.create({ model: 'embed', input: [1, 2, 3], dimensions: 8, encoding_format: 'float' });
  assert.equal(tokens.data[0].embedding.length, 8);
  assert.equal((await ask(t.gw.origin, 'POST', '/v1/embeddings', { model: 'embed' })).json.error.param, 'input');
});

test('embeddings fall back like everything else', async () => {
  const g = await Gateway.start({
    providers: { sim: { base_url: t.sim.url } },
    models: { e: { strategy: 'ordered', targets: ['sim/sim?503', 'sim/sim-embedding'] } },
  });
  try {
    const r = await ask(g.origin, 'POST', '/v1/embeddings', { model: 'e', input: 'x' });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['x-dragoman-attempts'], '2');
  } finally {
    await g.stop();
  }
});

// ---- paths and methods ----

test('a path that is not served, and a method that is not, are told in JSON', async () => {
  for (const [method, path, status, code] of [
    ['GET', '/', 404, 'unknown_url'], ['GET', '/v2/models', 404, 'unknown_url'], ['POST', '/chat/completions', 404, 'unknown_url'],
    ['GET', '/metrics', 404, 'unknown_url'], ['GET', '/admin/config', 404, 'unknown_url'], ['GET', '/sim/log', 404, 'unknown_url'],
    ['GET', '/v1/chat/completions', 405, 'method_not_allowed'], ['DELETE', '/v1/embeddings', 405, 'method_not_allowed'],
    ['POST', '/v1/models', 405, 'method_not_allowed'],
  ]) {
    const r = await ask(t.gw.origin, method, path);
    assert.equal(r.status, status, `${method} ${path}: ${r.text}`);
    assert.equal(r.json.error.code, code);
    assert.ok(r.headers['x-request-id']);
    if (status === 405) assert.ok(r.headers.allow, 'Allow says what would do');
  }
});

test('the request id is the client\'s where it is fit, ours otherwise, and goes upstream', async () => {
  const id = async (given) => (await chat(t.gw, 'versioned/m', {}, { headers: given ? { 'x-request-id': given } : {} })).headers['x-request-id'];
  assert.equal(await id('mine-42'), 'mine-42');
  assert.equal(versioned.asked.at(-1).headers['x-request-id'], 'mine-42');
  const [a, b] = [await id(), await id()];
  assert.match(a, /^req_/);
  assert.notEqual(a, b);
  assert.notEqual(await id('two words'), 'two words');
});

// ---- versions and what a provider is sent ----

test('the pinned version and what else is configured go with each request', async () => {
  await chat(t.gw, 'versioned/m', {}, { headers: { 'openai-version': 'client', 'x-team': 'red' } });
  const { headers } = versioned.asked.at(-1);
  assert.equal(headers['openai-version'], '2023-05-15');
  assert.equal(headers['openai-organization'], 'org-ours');
  assert.equal(headers['openai-project'], 'proj-ours');
  assert.equal(headers['x-team'], 'blue');
  await chat(t.gw, 'silent/m');
  assert.equal(versioned.asked.at(-1).headers['x-api-version'], 'v9');
});

test('another version in the answer is counted each time, and warned of once', async () => {
  const count = () => t.gw.metric('dragoman_version_mismatches_total', { provider: 'versioned' });
  assert.equal(await count(), 0);
  version = '2099-01-01';
  for (let i = 0; i < 3; i++) assert.equal((await chat(t.gw, 'versioned/m')).status, 200);
  assert.equal(await count(), 3);
  await eventually(() => /2099-01-01/.test(t.gw.stderr), 'the warning');
  assert.equal(t.gw.stderr.match(/WARN.*2099-01-01/g).length, 1);
});

// ---- browsers ----

const preflight = (gw, origin) => ask(gw.origin, 'OPTIONS', '/v1/chat/completions', undefined, {
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type,x-stainless-os' },
});

test('CORS: a preflight from an allowed origin, without a credential', async () => {
  const r = await preflight(t.gw, 'https://app.example');
  assert.equal(r.status, 204);
  assert.equal(r.headers['access-control-allow-origin'], 'https://app.example');
  assert.match(r.headers['access-control-allow-methods'], /POST/);
  assert.match(r.headers['access-control-allow-headers'], /authorization/);
  assert.match(r.headers['access-control-allow-headers'], /x-stainless-os/);
  assert.equal(r.headers['access-control-max-age'], '300');
  assert.match(r.headers.vary ?? '', /origin/i);
});

test('CORS: answers, streams and errors carry the origin; others get nothing', async () => {
  const from = (origin, model, stream) => chat(t.gw, model, { stream }, { headers: { origin } });
  for (const [model, stream] of [['chat', false], ['chat', true], ['nothing', false]]) {
    const r = await from('https://app.example', model, stream);
    assert.equal(r.headers['access-control-allow-origin'], 'https://app.example', model);
    for (const id of ['x-request-id', 'request-id'])
      assert.ok(r.headers['access-control-expose-headers'].split(', ').includes(id), id);
    assert.equal((await from('https://evil.example', model, stream)).headers['access-control-allow-origin'], undefined);
  }
  for (const origin of ['https://evil.example', 'https://app.example.evil', 'http://app.example', 'null'])
    assert.equal((await preflight(t.gw, origin)).headers['access-control-allow-origin'], undefined, origin);
});

test('CORS: any origin, where that is set; none, where nothing is', async () => {
  assert.equal((await preflight(anyOrigin, 'https://x.example')).headers['access-control-allow-origin'], '*');
  const plain = await Gateway.start({ providers: { sim: { base_url: t.sim.url } } });
  try {
    const r = await preflight(plain, 'https://x.example');
    assert.equal(r.headers['access-control-allow-origin'], undefined);
  } finally {
    await plain.stop();
  }
});

test('streams and whole answers name the target and the number of attempts', async () => {
  for (const stream of [false, true]) {
    const r = await readStream(t.gw.origin, '/v1/chat/completions', JSON.stringify(question('chat', { stream })));
    assert.equal(r.headers['x-dragoman-target'], 'sim/sim?tokens=4');
    assert.equal(r.headers['x-dragoman-attempts'], '1');
    assert.ok(Number(r.headers['x-dragoman-overhead-us']) >= 0);
  }
});
