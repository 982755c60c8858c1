// R21: a pooled connection that the upstream has closed meanwhile costs nobody anything.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Upstream, chat, chatStream, completion, pair, reply } from './harness.mjs';

// Answers, and at the connection's second request does as it is told.
let second = (socket) => socket.destroy();
const own = await Upstream.start((q, a) => {
  q.socket.asked = (q.socket.asked ?? 0) + 1;
  if (q.socket.asked > 1) return second(q.socket);
  reply(a, 200, completion('fresh'));
});
const t = await pair({ threads: 1, providers: { own: { base_url: own.url } }, retry: { attempts: 1 } });
after(async () => {
  await t.stop();
  await own.stop();
});

const counters = async () => ({
  errors: await t.gw.metric('error_code_counter', { provider: 'sim' }),
  replays: await t.gw.metric('dragoman_stale_replays_total', { provider: 'sim' }),
});

for (const [fault, replays] of [['stale-keepalive', 0], ['stale-keepalive-fin', 1], ['stale-keepalive-rst', 1]]) {
  for (const stream of [false, true]) {
    test(`R21 ${fault} (${stream ? 'stream' : 'whole'}) is not noticed by the client, nor held against anybody`, async () => {
      const before = await counters();
      const model = `sim?tokens=3,${fault},tag=${stream}`;
      for (let i = 0; i < 6; i++) {
        const r = stream ? await chatStream(t.gw, `sim/${model}`) : await chat(t.gw, `sim/${model}`);
        assert.equal(r.status, 200, r.text);
        assert.equal(r.headers['x-dragoman-attempts'], '1');
        if (stream) assert.equal(r.done, 1);
      }
      const now = await counters();
      assert.equal(now.errors, before.errors);
      if (replays) assert.ok(now.replays > before.replays, 'it was a replay');
    });
  }
}

test('R21 a replay is made once, on a fresh connection', async () => {
  assert.equal((await chat(t.gw, 'own/m')).status, 200);
  const calls = own.asked.length;
  second = (s) => s.destroy();
  const r = await chat(t.gw, 'own/m');
  assert.equal(r.status, 200, r.text);
  assert.equal(own.asked.length, calls + 2, 'the stale one and the fresh one');
  assert.equal(await t.gw.metric('dragoman_stale_replays_total', { provider: 'own' }), 1);
});

test('R21 once a byte of the answer has come, nothing is replayed', async () => {
  await chat(t.gw, 'own/m').catch(() => {});
  const calls = own.asked.length;
  second = (s) => s.write('HTTP/1.1 200 OK\r\ncontent-le', () => s.destroy());
  const r = await chat(t.gw, 'own/m');
  assert.equal(r.status, 502, r.text);
  assert.equal(own.asked.length, calls + 1);
});
