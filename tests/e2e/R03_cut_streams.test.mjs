// R3, R3b: an answer that was cut is never presented as finished, and a malformed event is dealt
// with as the setting says.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Gateway, Upstream, ask, chatStream, cuts, pair } from './harness.mjs';

const t = await pair({
  timeouts: { idle: '400ms' },
  models: { cut: { targets: ['sim/sim?cut-chunk,after=2,tokens=9,tag=alias'] } },
});
// An upstream whose stream ends like this: `end(response)`, behind `finished` choices of their own.
let ending = { finished: 1, end: (a) => a.end() };
const own = await Upstream.start((q, a) => {
  const chunk = (c) => a.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [c] })}\n\n`);
  a.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let index = 0; index < ending.finished; index++) {
    chunk({ index, delta: { role: 'assistant', content: `choice ${index}` }, finish_reason: null });
    chunk({ index, delta: {}, finish_reason: 'stop' });
  }
  ending.end(a);
});
const ours = await Gateway.start({ providers: { own: { base_url: own.url } } });
const fatal = await Gateway.start({
  providers: { sim: { base_url: t.sim.url } },
  stream: { malformed: 'fatal' },
});
after(async () => {
  await ours.stop();
  await own.stop();
  await fatal.stop();
  await t.stop();
});

const whole = (await chatStream(t.gw, 'sim/sim?tokens=12')).said;

for (const [fault, code] of cuts) {
  test(`R3 ${fault}: one error event, no [DONE], no invented finish`, async () => {
    const r = await chatStream(t.gw, `sim/sim?${fault},after=3,tokens=12`, {}, { headers: { 'x-request-id': `r3-${fault}` } });
    assert.equal(r.status, 200);
    assert.equal(r.errors.length, 1, r.text);
    assert.equal(r.errors[0].code, code);
    assert.deepEqual(Object.keys(r.errors[0]).sort(), ['code', 'message', 'param', 'type']);
    assert.equal(r.done, 0);
    assert.equal(r.finish, null);
    assert.equal(r.unfinished, false);
    assert.ok(r.complete, 'the stream itself ends properly, so that the error is read');
    assert.ok(r.said.length > 0 && whole.startsWith(r.said), `"${r.said}" is the beginning of what was said`);
    assert.equal(r.events.at(-1).data.includes(code), true, 'the error is the last event');
    const line = await t.gw.accessOf(`r3-${fault}`);
    assert.equal(line.outcome, code);
    assert.equal(line.calls, 1, 'after the content nobody else is asked');
  });
}

test('R3 a finish reason without [DONE] is success, and [DONE] is added', async () => {
  const r = await chatStream(t.gw, 'sim/sim?no-done,tokens=12');
  assert.equal(r.errors.length, 0, r.text);
  assert.equal(r.finish, 'stop');
  assert.equal(r.done, 1);
  assert.equal(r.events.at(-1).data, '[DONE]');
  assert.equal(r.said, whole);
});

const reset = (a) => setTimeout(() => a.socket.resetAndDestroy(), 50);
for (const [what, end] of [['a clean end', (a) => a.end()], ['a reset', reset], ['a close', (a) => a.socket.end()]]) {
  test(`R3 the finish reasons of all choices that were asked for, then ${what}: success`, async () => {
    for (const n of [1, 2]) {
      ending = { finished: n, end };
      const r = await chatStream(ours, 'own/m', { n });
      assert.equal(r.errors.length, 0, r.text);
      assert.equal(r.done, 1);
      assert.equal(r.events.at(-1).data, '[DONE]');
      assert.ok(r.complete);
    }
  });

  test(`R3 fewer choices than were asked for, then ${what} without [DONE]: a cut`, async () => {
    ending = { finished: 2, end };
    const r = await chatStream(ours, 'own/m', { n: 3 });
    assert.equal(r.errors[0]?.code, 'upstream_stream_truncated', r.text);
    assert.equal(r.done, 0);
  });
}

test('R3 fewer choices than were asked for, and [DONE]: the provider says that this is all', async () => {
  ending = { finished: 2, end: (a) => a.end('data: [DONE]\n\n') };
  const r = await chatStream(ours, 'own/m', { n: 3 });
  assert.equal(r.errors.length, 0, r.text);
  assert.equal(r.done, 1);
});

test('R3 a cut counts as a failure of its target', async () => {
  await chatStream(t.gw, 'cut');
  await chatStream(t.gw, 'cut');
  const { models } = (await ask(t.gw.admin, 'GET', '/admin/targets')).json;
  const target = models.find((m) => m.model === 'cut').targets[0];
  assert.equal(target.failures_in_a_row, 2);
  assert.equal(target.last_fault, 'upstream_stream_truncated');
  const failed = await t.gw.metric('api_call_duration_seconds_count', {
    provider: 'sim', model: 'sim?cut-chunk,after=2,tokens=9,tag=alias', outcome: 'upstream_stream_truncated',
  });
  assert.equal(failed, 2);
});

test('R3b a malformed event is skipped and counted by default', async () => {
  const before = await t.gw.metric('dragoman_malformed_events_total', { provider: 'sim' });
  const r = await chatStream(t.gw, 'sim/sim?bad-json-mid-stream,after=3,tokens=12');
  assert.equal(r.said, whole);
  assert.equal(r.finish, 'stop');
  assert.equal(r.done, 1);
  assert.equal(r.errors.length, 0);
  assert.equal(await t.gw.metric('dragoman_malformed_events_total', { provider: 'sim' }), before + 1);
});

test('R3b a malformed event ends the stream with an error where that is set', async () => {
  const r = await chatStream(fatal, 'sim/sim?bad-json-mid-stream,after=3,tokens=12');
  assert.equal(r.errors.length, 1, r.text);
  assert.equal(r.errors[0].code, 'upstream_bad_response');
  assert.equal(r.done, 0);
  assert.equal(r.finish, null);
  assert.ok(whole.startsWith(r.said));
  assert.equal(await fatal.metric('dragoman_malformed_events_total', { provider: 'sim' }), 1);
});
