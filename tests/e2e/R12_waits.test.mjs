// R12: before a target is asked again, as long is waited as it said, and no shorter than the back-off;
// and a wait that cannot end in time is not begun.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ask, chat, chatStream, eventually, pair, slow } from './harness.mjs';

const alias = (...targets) => ({ strategy: 'ordered', targets: targets.map((x) => `sim/${x}`) });
const scripts = {
  int: 'sim?retry-after-int,ra=1s,flip=1',
  date: 'sim?retry-after-date,ra=2s,flip=1',
  ms: 'sim?retry-after-ms,ra=700ms,flip=1',
  short: 'sim?retry-after-ms,ra=20ms,flip=1',
  escalating: 'sim?retry-after-escalating,ra=1s,flip=2',
  garbage: 'sim?retry-after-garbage,flip=1',
  absent: 'sim?retry-after-absent,flip=1',
  doubling: 'sim?500,flip=3',
  gateway502: 'sim?502,flip=1',
  gateway503: 'sim?503,flip=1',
  far: 'sim?retry-after-int,ra=30s',
  farther: 'sim?retry-after-int,ra=2h',
  first: 'sim?retry-after-int,ra=20s,tag=first',
};
const models = Object.fromEntries(Object.entries(scripts).map(([k, v]) => [k, alias(v)]));
models.elsewhere = alias(scripts.first, 'sim?tokens=3,tag=second');

const INITIAL = 300;
const t = await pair({
  retry: { attempts: 5, initial: `${INITIAL}ms`, jitter: '0', retry_after_max: '60s' },
  timeouts: { total: '10s' },
  models,
});
const jittery = await pair({
  retry: { attempts: 5, initial: '100ms', jitter: '400ms', max: '450ms' },
  models: { jitter: alias('sim?500,flip=3') },
});
after(async () => {
  await t.stop();
  await jittery.stop();
});

/** The pauses between the calls of one request, by the upstream's clock. */
async function pauses(pairing, model, script) {
  const r = await chat(pairing.gw, model);
  assert.equal(r.status, 200, r.text);
  const times = (await pairing.sim.log(script)).map((e) => e.time_ms);
  return times.slice(1).map((at, i) => at - times[i]);
}

const LATE = 400 * slow;
function assertPauses(got, least) {
  assert.equal(got.length, least.length, JSON.stringify(got));
  got.forEach((ms, i) => assert.ok(ms >= least[i] - 5 && ms <= least[i] + LATE, `pause ${i} was ${ms} ms, not ${least[i]}`));
}

// The waits are long and independent of each other: all at once.
test('R12 every form of Retry-After', { concurrency: true }, async (s) => {
  const cases = {
    int: [1000],
    ms: [700],
    short: [INITIAL],
    escalating: [1000, 2000],
    garbage: [INITIAL],
    absent: [INITIAL],
    doubling: [INITIAL, 2 * INITIAL, 4 * INITIAL],
    gateway502: [2 * INITIAL],
    gateway503: [2 * INITIAL],
  };
  await Promise.all(Object.entries(cases).map(([name, least]) =>
    s.test(`R12 ${scripts[name]} waits ${least.join(', ')} ms`, async () =>
      assertPauses(await pauses(t, name, scripts[name]), least))));
  await s.test('R12 a Retry-After date is waited for', async () => {
    const [ms] = await pauses(t, 'date', scripts.date);
    assert.ok(ms >= 1000 && ms <= 3000 + LATE, `waited ${ms} ms`); // dates are whole seconds
  });
});

test('R12 jitter is added, and the maximum holds', async () => {
  const got = await pauses(jittery, 'jitter', 'sim?500,flip=3');
  assert.equal(got.length, 3);
  got.forEach((ms, i) => assert.ok(ms >= Math.min(450, 100 * 2 ** i) - 5 && ms <= 450 + LATE, `pause ${i} was ${ms} ms`));
});

for (const [name, seconds] of [['far', '30'], ['farther', '7200']]) {
  test(`R12 a wait of ${seconds} s is longer than the deadline: answered now, with Retry-After`, async () => {
    const start = Date.now();
    const r = await chat(t.gw, name);
    assert.ok(Date.now() - start < 1000 * slow);
    assert.equal(r.status, 429, r.text);
    assert.equal(r.headers['retry-after'], seconds);
    assert.equal(r.json.error.code, 'upstream_rate_limited');
    assert.equal((await t.sim.log(scripts[name])).length, 1);
  });
}

test('R12 another target is asked at once, whatever the first said', async () => {
  const start = Date.now();
  const r = await chatStream(t.gw, 'elsewhere');
  assert.ok(Date.now() - start < 1000 * slow);
  assert.equal(r.status, 200);
  assert.equal(r.headers['x-dragoman-target'], 'sim/sim?tokens=3,tag=second');
  assert.equal(r.headers['x-dragoman-attempts'], '2');
});

test('R12 a target that asked for rest is asked last, by the next request too', async () => {
  const before = (await t.sim.log(scripts.first)).length;
  const r = await chat(t.gw, 'elsewhere');
  assert.equal(r.headers['x-dragoman-attempts'], '1');
  assert.equal((await t.sim.log(scripts.first)).length, before);
});

test('R12 a target that answers again is not held to its past', async () => {
  const healing = 'sim?503,flip=2,tokens=2,tag=healing';
  const g = await pair({
    retry: { attempts: 4, initial: '20ms', target_rest: `${400 * slow}ms` },
    models: {
      heals: alias(healing),
      rests: alias('sim?503,flip=3,tokens=2,tag=rests', 'sim?tokens=2,tag=spare'),
    },
  });
  const state = async (model) =>
    (await ask(g.gw.admin, 'GET', '/admin/targets')).json.models.find((m) => m.model === model).targets[0];
  try {
    assert.equal((await chat(g.gw, 'heals')).headers['x-dragoman-attempts'], '3');
    // The client has its answer a moment before another thread's eyes see what was learnt of it.
    const well = async (model) => {
      const now = await state(model);
      return now.failures_in_a_row === 0 && now.rests_for_ms === 0;
    };
    await eventually(() => well('heals'), 'forgiveness of two failures');

    // Three failures in a row: it rests, others are asked; then it is asked again, without a restart.
    for (let i = 0; i < 3; i++) await chat(g.gw, 'rests');
    await eventually(async () => (await state('rests')).failures_in_a_row === 3, 'three failures');
    assert.ok((await state('rests')).rests_for_ms > 0);
    assert.equal((await chat(g.gw, 'rests')).headers['x-dragoman-attempts'], '1');
    assert.equal((await g.sim.log('sim?503,flip=3,tokens=2,tag=rests')).length, 3);
    await eventually(async () => (await state('rests')).rests_for_ms === 0, 'the end of the rest');
    assert.equal((await chat(g.gw, 'rests')).headers['x-dragoman-target'], 'sim/sim?503,flip=3,tokens=2,tag=rests');
    await eventually(() => well('rests'), 'forgiveness of three failures');
  } finally {
    await g.stop();
  }
});
