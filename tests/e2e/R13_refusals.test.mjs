// R13, R16: what the request is refused for goes to the client as it came; what the credential is
// refused for goes to the next credential.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Gateway, Upstream, ask, chat, chatStream, completion, pair, question, reply } from './harness.mjs';

const alias = (...targets) => ({ strategy: 'ordered', targets });
const refusals = ['400', '404', '409', '413', '422', 'context-window'];
const models = {};
for (const f of refusals)
  for (const kind of ['stream', 'whole'])
    models[`${kind}:${f}`] = alias(`sim/sim?${f},tag=${kind}`, 'sim/sim?tokens=3,tag=never');

// Five keys of which one is good, and a provider of which none is.
const alive = 'sk-five';
const byKey = await Upstream.start((q, a, body) => {
  const key = q.headers.authorization?.replace('Bearer ', '');
  const status = { 'sk-one': 401, 'sk-two': 402, 'sk-three': 403, 'sk-four': 401, 'sk-quota': 429 }[key];
  if (key === alive) return reply(a, 200, completion('alive'));
  const code = status === 429 ? 'insufficient_quota' : 'invalid_api_key';
  reply(a, status ?? 401, { error: { message: `no: ${key}`, type: code, param: null, code } });
});
// A key that is good for some models only, and a provider that does not like what was said.
const byModel = await Upstream.start((q, a, body) => {
  const { model } = JSON.parse(body);
  if (model === 'blocked')
    return reply(a, 403, { error: { message: 'Project `p` does not have access to model `blocked`',
      type: 'invalid_request_error', param: null, code: 'model_not_found' } });
  if (model === 'prude')
    return reply(a, 403, { code: 'The caller does not have permission to execute the specified operation',
      error: 'Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO' });
  reply(a, 200, completion('allowed'));
});
const deadKeys = ['sk-one', 'sk-two', 'sk-three', 'sk-four'];

const t = await pair({ models, retry: { attempts: 5 } });
const keyed = await Gateway.start({
  threads: 1,
  retry: { attempts: 2, key_bench: '60s' },
  providers: {
    five: { base_url: byKey.url, keys: [...deadKeys, alive] },
    dead: { base_url: byKey.url, keys: deadKeys },
    one: { base_url: byKey.url, keys: ['sk-one'] },
    some: { base_url: byModel.url, keys: ['sk-some-of-them'] },
    quota: { base_url: byKey.url, keys: ['sk-quota', alive] },
  },
  models: { 'dead-then-good': alias('dead/m', 'five/m'), 'blocked-then-good': alias('some/blocked', 'some/m') },
});
after(async () => {
  await keyed.stop();
  await t.stop();
  await byKey.stop();
  await byModel.stop();
});

for (const f of refusals) {
  for (const kind of ['stream', 'whole']) {
    test(`R13 ${f} (${kind}) is not retried, and passed through as it came`, async () => {
      const script = `sim?${f},tag=${kind}`;
      const stream = kind === 'stream';
      const direct = await ask(t.sim.origin, 'POST', '/v1/chat/completions', question(script, { stream }));
      const calls = (await t.sim.log(script)).length;
      const r = await chat(t.gw, `${kind}:${f}`, { stream });
      assert.equal(r.status, direct.status);
      assert.equal(r.text, direct.text);
      assert.equal(r.headers['x-dragoman-attempts'], '1');
      assert.equal((await t.sim.log(script)).length, calls + 1);
      assert.equal((await t.sim.log('sim?tokens=3,tag=never')).length, 0);
    });
  }
}

test("R13 a refusal is not held against the target", async () => {
  for (let i = 0; i < 5; i++) await chat(t.gw, 'whole:400');
  const { models: list } = (await ask(t.gw.admin, 'GET', '/admin/targets')).json;
  const target = list.find((m) => m.model === 'whole:400').targets[0];
  assert.equal(target.failures_in_a_row, 0);
  assert.equal(target.rests_for_ms, 0);
});

for (const status of ['401', '402', '403']) {
  test(`R13 a ${status} benches the key, and the next key is used`, async () => {
    const script = `sim?${status},flip=1,tag=bench`;
    const g = await Gateway.start({
      threads: 1,
      providers: { sim: { base_url: t.sim.url, keys: ['sk-first-of-two', 'sk-second-of-two'] } },
    });
    try {
      const r = await chat(g, `sim/${script}`);
      assert.equal(r.status, 200, r.text);
      for (let i = 0; i < 3; i++) assert.equal((await chat(g, `sim/${script}`)).status, 200);
      const used = (await t.sim.log(script)).map((e) => e.headers.authorization);
      assert.equal(used.length, 5);
      assert.notEqual(used[0], used[1]);
      assert.deepEqual(new Set(used.slice(1)), new Set([used[1]]), 'the refused key rests');
      assert.doesNotMatch(g.stderr, /sk-first-of-two|sk-second-of-two/);
    } finally {
      await g.stop();
    }
  });
}

test('R13 a 403 about the model goes to another target and leaves the key alone', async () => {
  for (let i = 0; i < 3; i++) {
    const r = await chat(keyed, 'blocked-then-good');
    assert.equal(r.json.choices[0].message.content, 'allowed', r.text);
    assert.equal(r.headers['x-dragoman-attempts'], '2');
  }
  const alone = await chat(keyed, 'some/blocked');
  assert.equal(alone.status, 502);
  assert.equal(alone.json.error.code, 'upstream_model_refused');
  assert.doesNotMatch(keyed.stderr, /provider some refused key/);
});

test('R13 a 403 about what was asked is passed through as it came', async () => {
  const r = await chat(keyed, 'some/prude');
  assert.equal(r.status, 403);
  assert.match(r.json.error, /^Content violates usage guidelines/);
  assert.doesNotMatch(keyed.stderr, /provider some refused key/);
});

for (const stream of [false, true]) {
  test(`R16 five keys, four dead, one retry: answered (${stream ? 'stream' : 'whole'})`, async () => {
    const g = await Gateway.start({
      threads: 1,
      retry: { attempts: 2 },
      providers: { five: { base_url: byKey.url, keys: [...deadKeys, alive] } },
    });
    try {
      const r = await chat(g, 'five/m');
      assert.equal(r.status, 200, r.text);
      assert.equal(r.json.choices[0].message.content, 'alive');
      assert.equal((await chat(g, 'five/m')).headers['x-dragoman-attempts'], '1', 'the dead ones rest');
    } finally {
      await g.stop();
    }
  });
}

test('R16 all keys dead: an error with a code of its own', async () => {
  const r = await chat(keyed, 'dead/m');
  assert.equal(r.status, 502, r.text);
  assert.equal(r.json.error.code, 'upstream_credentials_exhausted');
  for (const k of deadKeys) assert.ok(!r.text.includes(`Bearer ${k}`));
});

test('R16 the only key dead is no different', async () => {
  const r = await chat(keyed, 'one/m');
  assert.equal(r.status, 502, r.text);
  assert.equal(r.json.error.code, 'upstream_credentials_exhausted');
});

test('R16 all keys of one target dead: the next target answers', async () => {
  const r = await chat(keyed, 'dead-then-good');
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-target'], 'five/m');
});

test('R13 an exhausted quota is a matter of the key, not of pace', async () => {
  byKey.asked.length = 0;
  const r = await chat(keyed, 'quota/m');
  assert.equal(r.status, 200, r.text);
  const r2 = await chat(keyed, 'quota/m');
  assert.equal(r2.status, 200);
  const keys = byKey.asked.map((q) => q.headers.authorization);
  assert.ok(keys.filter((k) => k === 'Bearer sk-quota').length <= 1, keys.join());
});
