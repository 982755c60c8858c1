// What a burst took is given back: pools keep what a steady load needs, and no more.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chat, eventually, pair, slow } from './harness.mjs';

// Resident memory says nothing of a sanitized program.
test('the memory of a burst goes back to the system', { skip: slow > 1 }, async () => {
  const t = await pair({ threads: 1, upstream: { idle_time: '1s' } });
  const resident = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${t.gw.pid}/status`, 'utf8'))[1]);
  const one = (user) => chat(t.gw, 'sim/sim?ttft=200ms', { user });
  await one('warm');
  const idle = resident();
  const answers = await Promise.all(Array.from({ length: 600 }, () => one('u'.repeat(60_000))));
  assert.ok(answers.every((r) => r.status === 200));
  assert.ok(resident() > 2 * idle, 'it was a burst');
  await eventually(() => resident() < idle * 1.15, `${idle} KiB and a little`, 60_000);
  assert.equal((await one('after')).status, 200);
  await t.stop();
});
