// R8: however a provider numbers its tool calls, the client sees them well numbered.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import OpenAI from 'openai';
import { chatStream, pair, question } from './harness.mjs';

const t = await pair();
after(() => t.stop());
const openai = new OpenAI({ baseURL: t.gw.url, apiKey: 'none', maxRetries: 0 });

const tools = ['get_weather', 'find_route'].map((name) => ({
  type: 'function',
  function: { name, description: `${name}, please`, parameters: { type: 'object', properties: { place: { type: 'string' } } } },
}));

/** What OpenAI's clients do: deltas are gathered by index, and by nothing else. */
function gather(chunks) {
  const calls = new Map();
  for (const chunk of chunks) {
    for (const d of chunk.choices[0]?.delta?.tool_calls ?? []) {
      assert.equal(typeof d.index, 'number', JSON.stringify(d));
      if (!calls.has(d.index)) {
        assert.ok(d.id, 'the first delta of a call brings its id');
        assert.ok(d.function?.name, 'the first delta of a call brings its name');
        calls.set(d.index, { id: d.id, name: d.function.name, text: '' });
      }
      calls.get(d.index).text += d.function?.arguments ?? '';
    }
  }
  return calls;
}

const styles = ['tools-parallel', 'tools-interleaved', 'tools-all-index-0', 'tools-no-index', 'tools-whole'];

for (const style of styles) {
  for (const n of [1, 2, 5]) {
    test(`R8 ${style}, ${n} calls: indexes 0 to ${n - 1}, ids, names, arguments`, async () => {
      const r = await chatStream(t.gw, `sim/sim?${style},calls=${n}`, { tools });
      assert.equal(r.errors.length, 0, r.text);
      assert.equal(r.finish, 'tool_calls');
      assert.equal(r.done, 1);
      const calls = gather(r.chunks);
      assert.deepEqual([...calls.keys()].sort(), [...Array(n).keys()]);
      assert.equal(new Set([...calls.values()].map((c) => c.id)).size, n, 'different ids');
      for (const c of calls.values()) assert.equal(typeof JSON.parse(c.text), 'object', c.text);
    });
  }

  test(`R8 ${style} through the official SDK's own gathering`, async () => {
    const stream = openai.chat.completions.stream({ ...question(`sim/sim?${style},calls=3`), tools });
    const { choices } = await stream.finalChatCompletion();
    const calls = choices[0].message.tool_calls;
    assert.equal(calls.length, 3);
    assert.equal(new Set(calls.map((c) => c.id)).size, 3);
    for (const c of calls) {
      assert.ok(['get_weather', 'find_route'].includes(c.function.name), c.function.name);
      assert.equal(typeof JSON.parse(c.function.arguments), 'object');
    }
  });

  test(`R8 ${style} in single bytes is the same`, async () => {
    const pick = (r) => [...gather(r.chunks).values()].map(({ name, text }) => ({ name, text }));
    const plain = await chatStream(t.gw, `sim/sim?${style},calls=3`, { tools });
    const bytes = await chatStream(t.gw, `sim/sim?${style},calls=3,split-every-byte`, { tools });
    assert.deepEqual(pick(bytes), pick(plain));
    assert.equal(bytes.finish, 'tool_calls');
  });
}

test('R8 the same calls in every style', async () => {
  const of = async (style) => {
    const r = await chatStream(t.gw, `sim/sim?${style},calls=4`, { tools });
    return [...gather(r.chunks).values()].map(({ name, text }) => ({ name, args: JSON.parse(text) }));
  };
  const first = await of(styles[0]);
  for (const style of styles.slice(1)) assert.deepEqual(await of(style), first, style);
});

test('R8 tool calls of a whole answer', async () => {
  const { choices } = await openai.chat.completions.create({ ...question('sim/sim?tools-parallel,calls=3'), tools });
  assert.equal(choices[0].finish_reason, 'tool_calls');
  assert.equal(choices[0].message.tool_calls.length, 3);
});
