// R50, R51, R52: a credential is one of the configured ones or a 401; a key sees and uses its models
// and no others; secrets show up nowhere.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Raw, ask, chat, chatStream, pair, question } from './harness.mjs';

const ALL = 'canary-client-all-0123456789abcdef';
const LIMITED = 'canary-client-limited-0123456789';
const UPSTREAM = 'canary-upstream-0123456789abcdef';
const PINNED = 'canary-header-0123456789abcdef';
const ADMIN = 'canary-admin-0123456789abcdef';
const secrets = [ALL, LIMITED, UPSTREAM, PINNED, ADMIN];

const t = await pair((sim) => ({
  admin: { listen: '127.0.0.1:0', token: ADMIN },
  providers: {
    sim: { keys: [UPSTREAM], headers: { 'x-team-secret': PINNED } },
    gemini: { dialect: 'gemini', base_url: `${sim.origin}/v1beta`, keys: [UPSTREAM] },
    bedrock: { dialect: 'bedrock', base_url: sim.origin, region: 'eu-central-1', keys: [UPSTREAM] },
  },
  models: {
    open: { targets: ['sim/sim?tokens=3'] },
    closed: { targets: ['sim/sim?tokens=3'] },
    'falls-to-closed': { targets: ['sim/sim?500,tag=denied'], fallbacks: ['closed'] },
    'team/a': { targets: ['sim/sim?tokens=3'] },
  },
  keys: [
    { name: 'all', key: ALL },
    { name: 'limited', key: LIMITED, models: ['open', 'falls-to-closed', 'team/*'] },
  ],
  retry: { attempts: 2, initial: '10ms' },
}));
after(() => t.stop());

const as = (key) => ({ headers: { authorization: `Bearer ${key}` } });
const raw = async (headers) => {
  const c = await Raw.to(t.gw.port);
  await c.post('/v1/chat/completions', question('open'), headers);
  await c.has(/^HTTP\/1\.1 \d{3}/);
  await c.has(/\r\n\r\n[^]/);
  c.close();
  return { status: Number(c.text.slice(9, 12)), text: c.text };
};

test('R50 the right credential, in each of its places', async () => {
  for (const h of [`Authorization: Bearer ${ALL}`, `authorization:bearer ${ALL}`, `AUTHORIZATION: BEARER   ${ALL}  `,
    `x-api-key: ${ALL}`, `api-key: ${ALL}`])
    assert.equal((await raw(`${h}\r\n`)).status, 200, h);
});

/*  what                      header lines                                             answers */
for (const [name, headers, statuses] of [
  ['none',                    '',                                                      [401]],
  ['an empty one',            'Authorization: \r\n',                                   [401]],
  ['a scheme alone',          'Authorization: Bearer\r\n',                             [401]],
  ['a scheme and a space',    'Authorization: Bearer \r\n',                            [401]],
  ['another scheme',          `Authorization: Basic ${ALL}\r\n`,                       [401]],
  ['no scheme',               `Authorization: ${ALL}\r\n`,                             [401]],
  ['the beginning of one',    `Authorization: Bearer ${ALL.slice(0, -1)}\r\n`,         [401]],
  ['one and a byte',          `Authorization: Bearer ${ALL}x\r\n`,                     [401]],
  ['in capitals',             `Authorization: Bearer ${ALL.toUpperCase()}\r\n`,        [401]],
  ['one, doubled in a field', `Authorization: Bearer ${ALL} ${ALL}\r\n`,               [401]],
  ['one, with a comma',       `Authorization: Bearer ${ALL}, Bearer ${ALL}\r\n`,       [401]],
  ['twice the field',         `Authorization: Bearer ${ALL}\r\nAuthorization: Bearer ${ALL}\r\n`, [400, 401]],
  ['two fields that differ',  `Authorization: Bearer nobody\r\nAuthorization: Bearer ${ALL}\r\n`, [400, 401]],
  ['two kinds of field',      `Authorization: Bearer ${ALL}\r\nx-api-key: nobody\r\n`, [400, 401]],
  ['SQL',                     "Authorization: Bearer ' OR '1'='1' --\r\n",             [401]],
  ['SQL with a sleep',        "Authorization: Bearer x');SELECT pg_sleep(10)--\r\n",   [401]],
  ['a template',              'Authorization: Bearer {{7*7}}${jndi:ldap://x}\r\n',     [401]],
  ['percent',                 `Authorization: Bearer ${encodeURIComponent(ALL)}%00\r\n`, [401]],
  ['a NUL',                   `Authorization: Bearer ${ALL}\0\r\n`,                    [400, 401]],
  ['a bare CR',               `Authorization: Bearer ${ALL}\rX: y\r\n`,                [400, 401]],
  ['a bare LF',               `Authorization: Bearer ${ALL}\nX: y\r\n`,                [400, 401]],
  ['folded',                  `Authorization: Bearer\r\n ${ALL}\r\n`,                  [400, 401]],
  ['a tab',                   `Authorization: Bearer\t${ALL}\r\n`,                     [400, 401]],
  ['Unicode',                 'Authorization: Bearer \u00e9\u4f60\ud83d\ude42\r\n',    [400, 401]],
  ['latin-1',                 Buffer.from('Authorization: Bearer \xff\xfe\r\n', 'latin1').toString('latin1'), [400, 401]],
  ['oversized',               `Authorization: Bearer ${'k'.repeat(20000)}\r\n`,        [401]],
  ['oversized, with one in it', `Authorization: Bearer ${ALL}${'k'.repeat(20000)}\r\n`, [401]],
  ['larger than any header',  `Authorization: Bearer ${'k'.repeat(200000)}\r\n`,       [431]],
  ['a space before the colon', `Authorization : Bearer ${ALL}\r\n`,                    [400, 401]],
]) {
  test(`R50 a credential that is ${name}: ${statuses.join(' or ')}`, async () => {
    const calls = (await t.sim.log()).length;
    const r = await raw(headers);
    assert.ok(statuses.includes(r.status), r.text.slice(0, 400));
    const { error } = JSON.parse(r.text.slice(r.text.indexOf('\r\n\r\n') + 4));
    if (r.status === 401) {
      assert.equal(error.code, 'invalid_api_key');
      assert.equal(error.type, 'authentication_error');
    }
    assert.ok(!secrets.some((s) => r.text.includes(s)), 'no secret is echoed');
    assert.equal((await t.sim.log()).length, calls, 'nothing went upstream');
  });
}

test('R50 every surface asks for a key', async () => {
  for (const [method, path] of [['GET', '/v1/models'], ['GET', '/v1/models/open'], ['POST', '/v1/chat/completions'],
    ['POST', '/v1/completions'], ['POST', '/v1/embeddings'], ['POST', '/v1/responses'], ['GET', '/v1/files'], ['DELETE', '/v1/files/x']]) {
    const r = await ask(t.gw.origin, method, path, method === 'POST' ? { model: 'open' } : undefined);
    assert.equal(r.status, 401, `${method} ${path}: ${r.text}`);
  }
});

test('R50 odd targets and hosts are refused, key or not', async () => {
  for (const [line, host] of [
    ['GET http://127.0.0.1/v1/models HTTP/1.1', 'x'],
    ['GET //evil.example/v1/models HTTP/1.1', 'x'],
    ['GET /v1//models HTTP/1.1', 'x'],
    ['GET /v1/../v1/models HTTP/1.1', 'x'],
    ['GET /v1/%2e%2e/v1/models HTTP/1.1', 'x'],
    ['GET /v1%2fmodels HTTP/1.1', 'x'],
    ['GET /v1/models%00 HTTP/1.1', 'x'],
    ['GET /v1/models\\ HTTP/1.1', 'x'],
    ['GET /v1/models#x HTTP/1.1', 'x'],
    ['CONNECT 127.0.0.1:22 HTTP/1.1', 'x'],
    ['OPTIONS * HTTP/1.1', 'x'],
    ['GET /v1/models HTTP/1.1', 'a b'],
    ['GET /v1/models HTTP/1.1', 'a/b'],
    ['GET /v1/models HTTP/1.1', 'user@host'],
    ['GET /v1/models HTTP/1.1', 'host:port'],
    ['GET /v1/models HTTP/1.1', 'x\r\nHost: y'],
  ]) {
    const c = await Raw.to(t.gw.port);
    await c.send(`${line}\r\nHost: ${host}\r\nAuthorization: Bearer ${ALL}\r\n\r\n`);
    const text = await c.end();
    assert.match(text, /^HTTP\/1\.1 (400|401|404|405) /, `${line} | ${host}: ${text.slice(0, 200)}`);
    assert.doesNotThrow(() => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)), text);
  }
});

// ---- R51 ----

test('R51 a key uses its models and no others, by whatever name', async () => {
  for (const model of ['open', 'team/a']) assert.equal((await chat(t.gw, model, {}, as(LIMITED))).status, 200, model);
  for (const model of ['closed', 'sim/sim?tokens=3']) {
    const r = await chat(t.gw, model, {}, as(LIMITED));
    assert.equal(r.status, 403, `${model}: ${r.text}`);
    assert.equal(r.json.error.code, 'model_not_allowed');
    assert.equal(r.json.error.type, 'permission_error');
    assert.equal((await chat(t.gw, model, {}, as(ALL))).status, 200, model);
  }
});

test('R51 a fallback that the key may not use is left out', async () => {
  const denied = await chat(t.gw, 'falls-to-closed', {}, as(LIMITED));
  assert.equal(denied.status, 502, denied.text);
  const allowed = await chat(t.gw, 'falls-to-closed', {}, as(ALL));
  assert.equal(allowed.status, 200, allowed.text);
});

test('R51 a key sees its models and no others', async () => {
  const ids = async (key) => (await ask(t.gw.origin, 'GET', '/v1/models', undefined, as(key))).json.data.map((m) => m.id);
  assert.deepEqual((await ids(LIMITED)).sort(), ['falls-to-closed', 'open', 'team/a']);
  assert.ok((await ids(ALL)).includes('closed'));
  assert.equal((await ask(t.gw.origin, 'GET', '/v1/models/closed', undefined, as(LIMITED))).status, 404);
});

test('R51 a limited key cannot go round by a relayed path', async () => {
  const more = as(LIMITED).headers;
  const asked = (path, body, headers = {}) => ask(t.gw.origin, 'POST', path, body, { headers: { ...more, ...headers } });
  for (const r of [
    await asked('/v1/moderations', { model: 'closed', input: 'x' }),
    await asked('/v1/moderations', { model: 'sim/any', input: 'x' }),
    await asked('/v1/files', 'x', { 'content-type': 'text/plain' }),
    await asked('/v1/files', 'x', { 'content-type': 'text/plain', 'x-dragoman-provider': 'sim' }),
    await asked('/v1/moderations', { model: 'open', input: 'x' }, { 'x-dragoman-provider': 'sim' }),
    await asked('/v1/models/closed%3AgenerateContent', { model: 'open', contents: [] }),
    await asked('/v1/%6dodels/closed:embedContent', { model: 'open', contents: [] }),
    await asked('/v1/model/closed/converse', { model: 'open', messages: [] }),
    await asked('/v1/deployments/closed/chat/completions', { model: 'open', messages: [] }),
  ]) assert.ok([400, 403].includes(r.status), r.text);
  assert.equal((await asked('/v1/moderations', { model: 'open', input: 'x' })).status, 200);
});

test('R51 a limited key cannot go round by a model that climbs out of its place in the path', async () => {
  const before = (await t.sim.log()).length;
  for (const model of ['gemini/ok-/../closed', 'gemini/ok-/..', 'bedrock/..', 'gemini/ok-/./closed']) {
    const r = await chat(t.gw, model, {}, as(ALL));
    assert.equal(r.status, 400, `${model}: ${r.text}`);
    assert.equal(r.json.error.param, 'model');
  }
  assert.equal((await t.sim.log()).length, before, 'nobody was asked');
  assert.equal((await chat(t.gw, 'gemini/sim?tokens=3,tag=a..b', {}, as(ALL))).status, 200);
});

// ---- R52 ----

test('R52 no secret is in any log, error, metric or page, whatever goes wrong', async () => {
  for (const fault of ['401', '403', '429', '500', 'html', 'refuse', 'error-in-200', 'cut-rst', 'bad-json-mid-stream', 'null', 'version-change'])
    await chatStream(t.gw, `sim/sim?${fault},tokens=6`, {}, as(ALL));
  await chat(t.gw, 'nothing', {}, as(ALL));
  await chat(t.gw, 'open', {}, as(`${ALL}x`));
  const admin = (path) => ask(t.gw.admin, 'GET', path, undefined, as(ADMIN));
  const pages = await Promise.all(['/metrics', '/admin/config', '/admin/targets', '/readyz'].map(admin));
  for (const p of pages) assert.equal(p.status, 200, p.text);
  const everything = [t.gw.stderr, t.gw.stdout, ...pages.map((p) => p.text)].join('\n');
  for (const s of secrets) assert.ok(!everything.includes(s), `${s} is shown`);
  assert.match(t.gw.stderr, /DEBUG/, 'at the most talkative level');
});

test('R50 the admin port asks for its token', async () => {
  for (const path of ['/metrics', '/admin/config', '/admin/targets', '/admin/nothing']) {
    assert.equal((await ask(t.gw.admin, 'GET', path)).status, 401, path);
    assert.equal((await ask(t.gw.admin, 'GET', path, undefined, as(ALL))).status, 401, path);
    assert.equal((await ask(t.gw.admin, 'GET', path, undefined, as(`${ADMIN}x`))).status, 401, path);
  }
  for (const path of ['/livez', '/readyz']) assert.equal((await ask(t.gw.admin, 'GET', path)).status, 200, path);
  assert.equal((await ask(t.gw.admin, 'GET', '/metrics', undefined, as(ADMIN))).status, 200);
});
