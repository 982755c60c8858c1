// R10, R11: nothing is committed before the first content. Whatever fails before it goes to the next
// target; when all fail, the client gets a real status and JSON; after it, an error ends the stream.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chat, chatStream, deadPort, pair } from './harness.mjs';

/*   fault                                streamed whole  status when all fail */
const faults = [
  ['error-first',                         true,    false, 502],
  ['lifecycle-then-error',                true,    false, 502],
  ['error-in-200',                        true,    true,  502],
  ['null',                                true,    true,  502],
  ['empty-choices',                       true,    true,  502],
  ['empty-stream',                        true,    true,  502],
  ['html',                                true,    true,  502],
  ['sse-for-json',                        false,   true,  502],
  ['cut-rst,after=0',                     true,    true,  502],
  ['cut-fin,after=0',                     true,    true,  502],
  ['cut-chunk,after=0',                   true,    true,  502],
  ['refuse',                              true,    true,  502],
  ['accept-then-close',                   true,    true,  502],
  ['headers-then-silence',                true,    false, 504],
  ['silent',                              true,    true,  504],
  ['wrong-length',                        false,   true,  502],
  ['408',                                 true,    true,  503],
  ['429',                                 true,    true,  429],
  ['500',                                 true,    true,  502],
  ['502',                                 true,    true,  502],
  ['503',                                 true,    true,  503],
  ['504',                                 true,    true,  502],
  ['529',                                 true,    true,  503],
  ['dead',                                true,    true,  502],
];

const dead = await deadPort();
const target = (fault, n) => (fault === 'dead' ? `dead/m${n}` : `sim/sim?${fault},tokens=7,tag=${n}`);
const good = 'sim/sim?tokens=7,tag=good';
const models = {};
for (const [fault] of faults) {
  for (const kind of ['stream', 'whole']) {
    models[`${kind}:${fault}`] = { strategy: 'ordered', targets: [target(fault, `${kind}1`), good] };
    models[`${kind}:all:${fault}`] = { strategy: 'ordered', targets: [target(fault, `${kind}2`), target(fault, `${kind}3`)] };
  }
}
models.alone = { targets: ['sim/sim?500,tag=alone'], fallbacks: ['healthy'] };
models.healthy = { targets: [good] };
models.after = { strategy: 'ordered', targets: ['sim/sim?cut-rst,after=2,tokens=7,tag=after', good] };
models.untold = { strategy: 'ordered', targets: ['sim/sim?json-for-sse,tokens=7,tag=untold', good] };
models.role = { strategy: 'ordered', targets: ['sim/sim?lifecycle-then-error,tag=role', good] };

const t = await pair({
  retry: { attempts: 2, initial: '10ms' },
  timeouts: { headers: '700ms', first_content: '700ms', idle: '2s' },
  providers: { dead: { base_url: `http://127.0.0.1:${dead}/v1` } },
  models,
});
after(() => t.stop());

const expected = (await chatStream(t.gw, 'healthy')).said;

for (const [fault, streamed, whole, status] of faults) {
  if (streamed) {
    test(`R10 ${fault} before the content of a stream falls back`, async () => {
      const r = await chatStream(t.gw, `stream:${fault}`);
      assert.equal(r.status, 200, r.text);
      assert.equal(r.said, expected);
      assert.equal(r.errors.length, 0);
      assert.equal(r.finish, 'stop');
      assert.equal(r.done, 1);
      assert.equal(r.headers['x-dragoman-attempts'], '2');
      assert.equal(r.headers['x-dragoman-target'], good);
    });

    test(`R10 ${fault} everywhere gives a streaming client a real ${status}`, async () => {
      const r = await chat(t.gw, `stream:all:${fault}`, { stream: true });
      assertRefused(r, status);
    });
  }
  if (whole) {
    test(`R10 ${fault} instead of a whole answer falls back`, async () => {
      const r = await chat(t.gw, `whole:${fault}`);
      assert.equal(r.status, 200, r.text);
      assert.equal(r.json.choices[0].message.content, expected);
      assert.equal(r.headers['x-dragoman-attempts'], '2');
      assert.equal(r.headers['x-dragoman-target'], good);
    });

    test(`R10 ${fault} everywhere gives a waiting client a real ${status}`, async () => {
      assertRefused(await chat(t.gw, `whole:all:${fault}`), status);
    });
  }
}

function assertRefused(r, status) {
  assert.equal(r.status, status, r.text);
  assert.match(r.headers['content-type'], /^application\/json/);
  const { error } = r.json;
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.match(error.code, /^upstream_/);
  assert.ok(error.message.length > 0);
  assert.equal(r.headers['x-dragoman-attempts'], '2');
}

test('R10 an alias without a healthy target goes on with its fallback', async () => {
  const before = await t.gw.metric('dragoman_fallbacks_total', { model: 'alone' });
  const r = await chatStream(t.gw, 'alone');
  assert.equal(r.said, expected);
  assert.equal(r.headers['x-dragoman-target'], good);
  assert.equal(await t.gw.metric('dragoman_fallbacks_total', { model: 'alone' }), before + 1);
});

test('R10 nothing of a failed attempt is mixed into the answer of the next', async () => {
  const r = await chatStream(t.gw, 'role');
  const roles = r.chunks.filter((c) => c.choices[0]?.delta?.role);
  assert.equal(roles.length, 1, r.text);
  assert.equal(new Set(r.chunks.map((c) => c.id)).size, 1);
});

test('R10 a whole answer instead of a stream is told as the stream that was asked for', async () => {
  const r = await chatStream(t.gw, 'untold', { stream_options: { include_usage: true } });
  assert.equal(r.status, 200, r.text);
  assert.match(r.headers['content-type'], /^text\/event-stream/);
  assert.equal(r.said, expected);
  assert.equal(r.finish, 'stop');
  assert.equal(r.done, 1);
  assert.equal(r.errors.length, 0);
  assert.ok(r.chunks.every((c) => c.object === 'chat.completion.chunk'), r.text);
  assert.equal(r.chunks.filter((c) => c.usage?.completion_tokens === 7).length, 1, r.text);
  assert.equal(r.headers['x-dragoman-attempts'], '1');
  const unasked = await chatStream(t.gw, 'untold');
  assert.equal(unasked.chunks.filter((c) => c.usage).length, 0, unasked.text);
});

test('R11 after the first content there is no other target, but an error', async () => {
  const asked = (await t.sim.log('sim?tokens=7,tag=good')).length;
  const r = await chatStream(t.gw, 'after');
  assert.equal(r.errors.length, 1);
  assert.equal(r.errors[0].code, 'upstream_stream_truncated');
  assert.equal(r.done, 0);
  assert.ok(expected.startsWith(r.said));
  assert.equal((await t.sim.log('sim?tokens=7,tag=good')).length, asked, 'nobody else was asked');
});

test('R10 every attempt is observed once, with its outcome', async () => {
  const calls = await t.gw.metric('api_call_duration_seconds_count', { model: 'sim?500,tokens=7,tag=stream1' });
  assert.equal(calls, 1);
  assert.ok(await t.gw.metric('error_code_counter', { provider: 'sim', code: '500' }) >= 3);
  assert.ok(await t.gw.metric('error_code_counter', { provider: 'dead', code: 'upstream_connect_failed' }) >= 1);
});
