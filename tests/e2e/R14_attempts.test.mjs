// R14, R15: the upstreams together see no more calls than configured, and one deadline covers all.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Raw, ask, chat, chatStream, eventually, pair, question, slow } from './harness.mjs';

const alias = (...targets) => ({ strategy: 'ordered', targets: targets.map((x) => `sim/${x}`) });
const t = await pair({
  retry: { attempts: 3, initial: '20ms' },
  models: {
    one: alias('sim?500,tag=one'),
    two: alias('sim?500,tag=two-a', 'sim?503,tag=two-b'),
    five: alias(...[1, 2, 3, 4, 5].map((n) => `sim?500,tag=five-${n}`)),
    fallback: { ...alias('sim?500,tag=fb-a'), fallbacks: ['fallback2', 'two'] },
    fallback2: alias('sim?500,tag=fb-b'),
    limited: alias('sim?retry-after-int,ra=45s,tag=limited'),
    slow: alias(...[1, 2, 3].map((n) => `sim?ttft=60s,tag=slow-${n}`)),
    sleepy: alias('sim?retry-after-int,ra=2s,tag=sleepy'),
  },
});
const queued = await pair({
  threads: 1,
  upstream: { connections: 1 },
  timeouts: { total: '20s', first_content: '20s' },
});
// One connection and one place to wait for it; another way to the same simulator has room.
const narrow = await pair((sim) => ({
  threads: 1,
  timeouts: { total: '20s', first_content: '20s' },
  retry: { attempts: 2 },
  providers: {
    narrow: { base_url: sim.url, upstream: { connections: 1, queue: 1 } },
    wide: { base_url: sim.url },
  },
  models: {
    both: { strategy: 'ordered', targets: ['narrow/sim?tokens=1,tag=narrow', 'wide/sim?tokens=1,tag=wide'] },
    only: { targets: ['narrow/sim?tokens=1,tag=narrow'] },
  },
}));
const strict = await pair({ timeouts: { total: '700ms' } });
after(async () => {
  await t.stop();
  await queued.stop();
  await narrow.stop();
  await strict.stop();
});

const calls = async (tag) => (await t.sim.log()).filter((e) => e.model?.includes(`tag=${tag}`)).length;

for (const [model, tag] of [['one', 'one'], ['two', 'two-'], ['five', 'five-'], ['fallback', 'fb-']]) {
  for (const stream of [false, true]) {
    test(`R14 ${model} (${stream ? 'stream' : 'whole'}): three calls upstream, then an answer`, async () => {
      const before = (await t.sim.log()).length;
      const r = await chat(t.gw, model, { stream });
      assert.ok([502, 503].includes(r.status), r.text);
      assert.equal((await t.sim.log()).length - before, 3);
      assert.equal(r.headers['x-dragoman-attempts'], '3');
      assert.equal(r.headers['x-should-retry'], 'false', 'our retries are spent: the client is told');
      assert.ok(await calls(tag) >= 2);
    });
  }
}

test('R14 where a wait is known to help, the client is told how long', async () => {
  const r = await chat(t.gw, 'limited', {}, { headers: { 'x-dragoman-timeout-ms': '3000' } });
  assert.equal(r.status, 429, r.text);
  assert.equal(r.headers['retry-after'], '45');
  assert.ok(Number(r.headers['retry-after-ms']) > 44000);
  assert.notEqual(r.headers['x-should-retry'], 'true');
  assert.equal(await calls('limited'), 1);
});

test('R14 different targets come before the same one again', async () => {
  const log = (await t.sim.log()).filter((e) => e.model?.includes('tag=five-'));
  const first = log.slice(0, 3).map((e) => e.model);
  assert.equal(new Set(first).size, 3, first.join());
});

async function within(ms, run) {
  const start = Date.now();
  const r = await run();
  const took = Date.now() - start;
  assert.ok(took < ms + 500 * slow, `answered after ${took} ms, the deadline was ${ms}`);
  return r;
}

for (const stream of [false, true]) {
  const kind = stream ? 'stream' : 'whole';

  test(`R15 the deadline ends an attempt (${kind})`, async () => {
    const r = await within(600, () => chat(t.gw, 'slow', { stream }, { headers: { 'x-dragoman-timeout-ms': '600' } }));
    assert.equal(r.status, 504, r.text);
    assert.equal(r.json.error.code, 'deadline_exceeded');
  });

  test(`R15 a sleep that would pass the deadline is not begun (${kind})`, async () => {
    const r = await within(0, () => chat(t.gw, 'sleepy', { stream }, { headers: { 'x-dragoman-timeout-ms': '1500' } }));
    assert.equal(r.status, 429, r.text);
  });

  test(`R15 the deadline covers waiting for a connection (${kind})`, async () => {
    const first = await Raw.to(queued.gw.port);
    await first.post('/v1/chat/completions', question('sim/sim?silent,tag=holds', { stream }));
    await eventually(async () => (await queued.sim.log('sim?silent,tag=holds')).length > 0, 'the first request upstream');
    const r = await within(700, () => chat(queued.gw, 'sim/sim?tokens=1,tag=waits', { stream },
      { headers: { 'x-dragoman-timeout-ms': '700' } }));
    assert.equal(r.status, 504, r.text);
    assert.equal(r.json.error.code, 'deadline_exceeded');
    assert.equal((await queued.sim.log('sim?tokens=1,tag=waits')).length, 0);
    first.rst();
    await queued.gw.idle();
    assert.equal((await chat(queued.gw, 'sim/sim?tokens=1')).status, 200, 'the connection is free again');
  });
}

test('R15 a full queue goes to another target, and is not held against the first', async () => {
  const { gw, sim } = narrow;
  const holders = [];
  for (const tag of ['holds', 'waits']) {
    const h = await Raw.to(gw.port);
    await h.post('/v1/chat/completions', question(`narrow/sim?silent,tag=${tag}`));
    holders.push(h);
  }
  await eventually(async () => (await sim.log('sim?silent,tag=holds')).length > 0, 'the one that holds upstream');
  await eventually(async () => (await gw.metric('dragoman_upstream_connections', { state: 'waiting' })) === 1, 'the one that waits');
  for (let i = 0; i < 4; i++) {
    const r = await chat(gw, 'both', { stream: i % 2 === 1 });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['x-dragoman-target'], 'wide/sim?tokens=1,tag=wide');
    assert.equal(r.headers['x-dragoman-attempts'], '2');
  }
  const alone = await chat(gw, 'only');
  assert.equal(alone.status, 503);
  assert.equal(alone.json.error.code, 'upstream_queue_full');
  const { models } = (await ask(gw.admin, 'GET', '/admin/targets')).json;
  for (const t of models.flatMap((m) => m.targets)) {
    assert.equal(t.failures_in_a_row, 0, t.target);
    assert.equal(t.rests_for_ms, 0, t.target);
  }
  assert.equal((await sim.log('sim?tokens=1,tag=narrow')).length, 0);
  for (const h of holders) h.rst();
  await gw.idle();
  assert.equal((await chat(gw, 'both')).headers['x-dragoman-target'], 'narrow/sim?tokens=1,tag=narrow');
});

test('R15 a nonsensical x-dragoman-timeout-ms is refused by name', async () => {
  for (const v of ['0', '-1', 'soon', '1e3', '99999999999999']) {
    const r = await chat(t.gw, 'one', {}, { headers: { 'x-dragoman-timeout-ms': v } });
    assert.equal(r.status, 400, v);
    assert.equal(r.json.error.param, 'x-dragoman-timeout-ms');
  }
});

test('R15 a client cannot lengthen the configured total', async () => {
  const r = await within(700, () => chatStream(strict.gw, 'sim/sim?ttft=60s', {}, { headers: { 'x-dragoman-timeout-ms': '30000' } }));
  assert.equal(r.status, 504);
});
