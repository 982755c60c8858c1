// R69: shares as configured, within 3 % over ten thousand requests; a weight of 0 is never, fallback
// included.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { ask, chat, pair, question } from './harness.mjs';

const target = (model, weight) => ({ provider: 'sim', model: `sim?${model}`, weight });
const t = await pair({
  models: {
    chat: { strategy: 'weighted', targets: [target('tokens=1,tag=a', 60), target('tokens=1,tag=b', 30), target('tokens=1,tag=c', 10), target('tokens=1,tag=zero', 0)] },
    failing: { strategy: 'weighted', targets: [target('500,tag=d', 1), target('tokens=1,tag=zero', 0)] },
    rest: { strategy: 'weighted', targets: [target('503,tag=down', 60), target('tokens=1,tag=up2', 30), target('tokens=1,tag=up1', 10)] },
  },
  log: { level: 'info', access: 'off' },
  retry: { initial: '1ms', attempts: 2, target_rest: '60s' },
}, { simArgs: ['--threads', '1'] });
after(() => t.stop());
const agent = new http.Agent({ keepAlive: true, maxSockets: 24 });
after(() => agent.destroy());

async function shares(model, n) {
  const count = {};
  let left = n;
  await Promise.all(Array.from({ length: 24 }, async () => {
    while (left-- > 0) {
      const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', question(model), { agent });
      assert.equal(r.status, 200, r.text);
      const tag = /tag=(\w+)/.exec(r.headers['x-dragoman-target'])[1];
      count[tag] = (count[tag] ?? 0) + 1;
    }
  }));
  return count;
}

test('R69 60 / 30 / 10 over 10,000 requests within 3 %, and 0 is never', async () => {
  const count = await shares('chat', 10_000);
  for (const [tag, share] of [['a', 0.6], ['b', 0.3], ['c', 0.1]])
    assert.ok(Math.abs(count[tag] / 10_000 - share) <= 0.03 * share, `${tag}: ${count[tag]}`);
  assert.equal(count.zero, undefined);
});

test('R69 a weight of 0 is never, even when everything else fails', async () => {
  for (let i = 0; i < 20; i++) assert.equal((await chat(t.gw, 'failing')).status, 502);
  assert.equal((await t.sim.log('sim?tokens=1,tag=zero')).length, 0);
});

test('R69 the share of a target that rests falls to the others, in their proportion', async () => {
  await shares('rest', 40);
  const before = (await t.sim.log('sim?503,tag=down')).length;
  const count = await shares('rest', 2000);
  assert.equal(count.down, undefined);
  assert.ok(Math.abs(count.up2 / 2000 - 0.75) < 0.04, JSON.stringify(count));
  assert.ok((await t.sim.log('sim?503,tag=down')).length - before <= 2, 'it rests');
});
