// R8, R45 to R48: targets that are asked through OpenAI's Responses API (`api: responses`), by clients of all three
// APIs and their official SDKs. Clients of Chat Completions and Messages are translated; one of Responses has its
// bytes passed. The simulator is strict: what it takes, the provider's own checks take.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PIXEL, said, schema, sdkClients, user, words } from './clients.mjs';
import { assertValid } from './descriptions.mjs';
import { Upstream, ask, eventually, pair, parseEvents, reply } from './harness.mjs';

// An upstream of our own sees what was sent to the letter.
let heard;
let answer;
const own = await Upstream.start((q, a, body) => {
  heard = { path: q.url, headers: q.headers, text: body.toString(), body: JSON.parse(body) };
  if (q.url.startsWith('/v1/chat')) return reply(a, 200, { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }] });
  return reply(a, 200, answer ?? { id: 'resp_1', object: 'response', status: 'completed', model: 'm', output: [{ type: 'message', id: 'm', role: 'assistant', content: [{ type: 'output_text', text: 'ok', annotations: [] }] }], usage: { input_tokens: 1, output_tokens: 1 } });
});

const before = ['error-first', 'lifecycle-then-error', 'error-in-200', 'empty-stream', 'html', 'null', 'cut-rst,after=0', '500', '529', '429', '401', 'refuse'];
const models = {
  odd: { targets: [{ provider: 'chat', model: 'sim?tokens=7', api: 'responses' }] },
  fixed: { targets: [{ provider: 'responses', model: 'sim?tokens=7', api: 'chat' }] },
  talks: { strategy: 'ordered', targets: ['responses/sim?429,tag=r', 'anthropic/sim?tokens=4'] },
  stored: { strategy: 'ordered', targets: ['responses/sim?500,tag=stored', 'anthropic/sim?tokens=4'] },
};
for (const f of before) {
  models[`to-claude:${f}`] = { strategy: 'ordered', targets: [`responses/sim?${f},tokens=7,tag=first`, 'anthropic/sim?tokens=7,tag=good'] };
  models[`from-claude:${f}`] = { strategy: 'ordered', targets: [`anthropic/sim?${f},tokens=7,tag=first`, 'responses/sim?tokens=7,tag=good'] };
}
const t = await pair((sim) => ({
  retry: { attempts: 2, initial: '10ms', target_rest: '0', key_bench: '0', rate_limit_rest_max: '0' },
  providers: {
    chat: { base_url: sim.url },
    responses: { base_url: sim.url, api: 'responses' },
    either: { base_url: sim.url, api: 'either' },
    azure: { dialect: 'azure', base_url: `${sim.origin}/openai/v1`, keys: ['azure-key'], api: 'responses' },
    azurechat: { dialect: 'azure', base_url: own.origin, keys: ['azure-key'] },
    anthropic: { dialect: 'anthropic', base_url: sim.url, keys: ['sk-ant'] },
    own: { base_url: `${own.origin}/v1`, api: 'responses' },
    owneither: { base_url: `${own.origin}/v1`, api: 'either' },
  },
  models,
}));
after(async () => {
  await t.stop();
  await own.stop();
});
const { openai, clients } = sdkClients(t.gw);

/** One streamed answer, as it came. */
async function raw(client, model, more = {}) {
  const c = clients[client];
  const r = await ask(t.gw.origin, 'POST', c.path, { ...c.body(model, more), stream: true });
  return { status: r.status, headers: r.headers, text: r.text, ...parseEvents(r.text) };
}

for (const [client, c] of Object.entries(clients)) {
  test(`${client}: a text, whole and streamed, its usage and its end`, async () => {
    for (const provider of ['responses', 'azure']) {
      for (const stream of [false, true]) {
        const r = await c.send(`${provider}/sim?tokens=12`, {}, stream);
        assert.equal(words(c.text(r)), 12);
        assert.equal(c.stop(r), c.stops.end);
        assert.deepEqual(c.usage(r), [5, 12, 0]);
      }
    }
    const r = await raw(client, 'responses/sim?tokens=12');
    assert.match(r.headers['content-type'], /^text\/event-stream/);
    assert.equal(r.events.filter(c.isEnd).length, 1);
    assert.ok(c.isEnd(r.events.at(-1)), r.text);
    assert.equal((await t.sim.log()).at(-1).path, '/v1/responses');
  });

  test(`${client}: unkind framing changes nothing`, async () => {
    const plain = c.text(await c.send('responses/sim?tokens=9'));
    for (const style of ['crlf', 'split-every-byte', 'split-utf8', 'glued', 'gzip', 'comments', 'no-space'])
      assert.equal(c.text(await c.send(`responses/sim?tokens=9,${style}`, {}, true)), plain, style);
  });

  test(`${client}: the end for want of room`, async () => {
    for (const stream of [false, true]) {
      const r = await c.send('responses/sim?tokens=12', c.limit(4), stream);
      assert.equal(c.stop(r), c.stops.length);
      assert.equal(words(c.text(r)), 4);
    }
  });

  test(`R8 ${client}: tool calls in parallel, in turns, whole in their end; and their answers`, async () => {
    for (const style of ['tools-parallel', 'tools-interleaved', 'tools-whole']) {
      for (const stream of [false, true]) {
        const first = await c.send(`responses/sim?${style},calls=3`, { tools: c.tools }, stream);
        const calls = c.calls(first);
        assert.equal(c.stop(first), c.stops.calls);
        assert.deepEqual(calls.map((x) => [x.name, x.input.call]), [['weather', 0], ['weather', 1], ['weather', 2]]);
        assert.equal(new Set(calls.map((x) => x.id)).size, 3);
        const second = await c.send('responses/sim?tokens=3', { tools: c.tools, ...c.next(first) }, stream);
        assert.equal(words(c.text(second)), 3);
      }
    }
  });

  // The simulator gives encrypted reasoning to who asks for it, and takes it back under its own id only.
  test(`R46 ${client}: thinking, and its way back, with tools and without`, async () => {
    for (const script of ['tools-parallel,calls=2', 'tokens=4']) {
      for (const stream of [false, true]) {
        const first = await c.send(`responses/sim?reasoning=9,${script}`, { tools: c.tools, ...c.think }, stream);
        assert.equal(words(c.thought(first)), 9);
        assert.equal(c.usage(first)[2], 9);
        assert.match(JSON.stringify(first), /gAAAAsim/, 'what was sealed came along');
        const second = await c.send('responses/sim?tokens=3', { tools: c.tools, ...c.think, ...c.next(first) }, stream);
        assert.equal(words(c.text(second)), 3);
        await c.send('own/m', { tools: c.tools, ...c.think, ...c.next(first) });
        const [item] = heard.body.input.filter((i) => i.type === 'reasoning');
        assert.match(item.encrypted_content, /^gAAAAsim[0-9a-f]{16}$/);
        assert.match(item.id, /^rs_/);
        assert.equal(words(item.summary[0].text), 9);
      }
    }
  });

  test(`${client}: a system prompt, an image, a schema are taken`, async () => {
    for (const more of [c.system('Be brief.'), c.image, c.format]) assert.ok(c.text(await c.send('responses/sim?tokens=3', more)));
    await c.send('own/m', c.image);
    const part = heard.body.input[0].content.find((p) => p.type === 'input_image');
    assert.equal(part.image_url, `data:image/png;base64,${PIXEL}`);
    await c.send('own/m', c.format);
    assert.deepEqual(heard.body.text.format.schema, schema);
    assert.equal(heard.path, '/v1/responses');
  });

  test(`R3 ${client}: a stream that is cut ends in an error, never as if it were whole`, async () => {
    for (const fault of ['cut-rst,after=3', 'cut-fin,after=3', 'cut-chunk,after=3', 'done-without-finish']) {
      const r = await raw(client, `responses/sim?${fault},tokens=9`);
      assert.equal(r.events.filter(c.isEnd).length, 0, r.text);
      assert.ok(!r.unfinished);
      assert.ok(r.events.some(c.isError), r.text);
      await assert.rejects(c.send(`responses/sim?${fault},tokens=9`, {}, true), fault);
    }
  });

  test(`R3b ${client}: an event that is no JSON is left out`, async () => {
    assert.equal(words(c.text(await c.send('responses/sim?bad-json-mid-stream,tokens=9', {}, true))), 9);
  });

  for (const fault of before)
    test(`R10 ${client}: ${fault} before the content falls back, there and back`, async () => {
      for (const way of ['to-claude', 'from-claude']) {
        for (const stream of [false, true]) {
          if (!stream && ['error-first', 'lifecycle-then-error', 'empty-stream', 'cut-rst,after=0'].includes(fault)) continue;
          const r = await c.send(`${way}:${fault}`, {}, stream);
          assert.equal(words(c.text(r)), 7, way);
          assert.equal(c.stop(r), c.stops.end);
        }
        const r = await raw(client, `${way}:${fault}`);
        assert.equal(r.headers['x-dragoman-attempts'], '2');
        assert.ok(c.isEnd(r.events.at(-1)), r.text);
      }
    });

  test(`${client}: refusals keep their status, Retry-After is passed on`, async () => {
    for (const [fault, status] of [['400', 400], ['404', 404], ['422', 422], ['429', 429], ['500', 502], ['401', 502], ['context-window', 400]])
      for (const stream of [false, true])
        await assert.rejects(c.send(`responses/sim?${fault}`, {}, stream), (e) => {
          assert.equal(e.status, status, fault);
          assert.ok(e.requestID);
          return true;
        });
    const r = await raw(client, 'responses/sim?retry-after-int,ra=90s');
    assert.equal(r.status, 429, r.text);
    assert.equal(r.headers['retry-after'], '90');
  });

  test(`R1 ${client}: to abort a stream leaves the upstream`, async () => {
    const model = `sim?tokens=1000,gap=30ms,tag=aborted-${client}`;
    const { body } = await fetch(`${t.gw.origin}${c.path}`, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...c.body(`responses/${model}`), stream: true }) });
    const reader = body.getReader();
    await reader.read();
    await reader.cancel();
    await eventually(async () => (await t.sim.only(model)).peer_left, 'the upstream being left');
  });

  test(`${client}: a whole answer where a stream was asked for is told as one`, async () => {
    for (const script of ['tokens=7', 'tools-parallel,calls=2', 'reasoning=3,tokens=4']) {
      const r = await c.send(`responses/sim?json-for-sse,${script}`, { tools: c.tools }, true);
      const whole = await c.send(`responses/sim?${script}`, { tools: c.tools });
      assert.equal(c.text(r) ?? null, c.text(whole) ?? null);
      assert.equal(c.stop(r), c.stops[script.startsWith('tools') ? 'calls' : 'end']);
      assert.deepEqual(c.usage(r), c.usage(whole));
    }
  });

  test(`R59 ${client}: the tokens are counted, whoever looked`, async () => {
    const count = () => t.gw.metric('dragoman_tokens_total', { direction: 'completion' });
    const was = await count();
    await c.send('responses/sim?tokens=11');
    await c.send('responses/sim?tokens=11', {}, true);
    await eventually(async () => (await count()) >= was + 22, 'the count of tokens');
  });
}

// ---- on the same dialect ----

test('R44 a Responses client has its bytes passed, and the answer comes as it was sent', async () => {
  const sent = '{ "model": "own/m",\n "input" : [ {"role":"user","content":"h\\u00f6 \\ud83d"} ], "temperature": 0.10, "unheard_of": [1e2],"store":true,\t"previous_response_id":"resp_0" }';
  answer = { id: 'resp_9', status: 'completed', output: [], unheard: { of: 1 } };
  const r = await ask(t.gw.origin, 'POST', '/v1/responses?a=1', sent, { headers: { 'content-type': 'application/json' } });
  assert.equal(heard.text, sent.replace('"own/m"', '"m"'));
  assert.equal(heard.path, '/v1/responses?a=1');
  assert.equal(r.text, JSON.stringify(answer));
  assert.equal(r.headers['x-dragoman-dropped-params'], undefined);
  answer = undefined;
  const model = 'sim?tokens=5,reasoning=2';
  const itself = await ask(t.sim.origin, 'POST', '/v1/responses', { model, input: said, stream: true });
  const through = await raw('responses', `responses/${model}`);
  const plain = (s) => s.replace(/_[0-9a-f]{16}/g, '_').replace(/"created_at":\d+/g, '');
  assert.equal(plain(through.text), plain(itself.text));
});

test('a response that is made in the background is told as it is', async () => {
  answer = { id: 'resp_9', status: 'queued', output: [], background: true };
  const r = await ask(t.gw.origin, 'POST', '/v1/responses', { model: 'own/m', input: said, background: true });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.text, JSON.stringify(answer));
  // Whoever did not ask for that has no answer.
  assert.equal((await ask(t.gw.origin, 'POST', '/v1/chat/completions', { model: 'own/m', messages: user })).status, 502);
  answer = undefined;
});

test('previous_response_id is refused only by who would be translated', async () => {
  const r = await ask(t.gw.origin, 'POST', '/v1/responses', { model: 'responses/sim?tokens=2', input: said, previous_response_id: 'resp_1' });
  assert.equal(r.status, 200, r.text);
  for (const model of ['chat/sim', 'anthropic/sim', 'fixed']) {
    const refused = await ask(t.gw.origin, 'POST', '/v1/responses', { model, input: said, previous_response_id: 'resp_1' });
    assert.equal(refused.status, 400, refused.text);
    assert.equal(refused.json.error.param, 'previous_response_id');
  }
  // Nobody answers it without what it refers to: the client hears what its own target said.
  const fallen = await ask(t.gw.origin, 'POST', '/v1/responses', { model: 'stored', input: said, previous_response_id: 'resp_1' });
  assert.equal(fallen.status, 502, fallen.text);
});

test('what the simulator says is what OpenAI describes', async () => {
  // "response.output_item.added" is ResponseOutputItemAddedEvent; of the texts' events the name lacks a word.
  const nameOf = (type) => type.split(/[._]/).map((w) => w[0].toUpperCase() + w.slice(1)).join('').replace('OutputText', 'Text') + 'Event';
  for (const script of ['tokens=3', 'reasoning=2,tokens=3', 'tools-interleaved,calls=2', 'usage-plain,tokens=2']) {
    const { events } = await raw('responses', `responses/sim?${script}`);
    for (const e of events) {
      if (script.startsWith('usage-plain') && e.name === 'response.completed') continue;
      assertValid(`openai:${nameOf(e.name)}`, JSON.parse(e.data));
    }
    if (!script.startsWith('usage-plain')) assertValid('openai:Response', (await ask(t.gw.origin, 'POST', '/v1/responses', { model: `responses/sim?${script}`, input: said })).json);
  }
});

// ---- which API ----

test('either: Responses passes, everyone else goes by Chat Completions', async () => {
  await ask(t.gw.origin, 'POST', '/v1/responses', { model: 'owneither/m', input: said, unheard_of: 1 });
  assert.deepEqual([heard.path, heard.body.unheard_of], ['/v1/responses', 1]);
  for (const client of ['chat', 'messages']) {
    await clients[client].send('owneither/m');
    assert.equal(heard.path, '/v1/chat/completions');
  }
  for (const c of Object.values(clients)) assert.equal(words(c.text(await c.send('either/sim?tokens=5', {}, true))), 5);
});

test('a target goes by its own setting, other paths by none', async () => {
  const paths = async () => (await t.sim.log()).at(-1).path;
  assert.equal(words(clients.chat.text(await clients.chat.send('odd'))), 7);
  assert.equal(await paths(), '/v1/responses');
  assert.equal(words(clients.responses.text(await clients.responses.send('fixed', { include: undefined }))), 7);
  assert.equal(await paths(), '/v1/chat/completions');
  const r = await ask(t.gw.origin, 'POST', '/v1/embeddings', { model: 'responses/sim', input: 'x' });
  assert.equal(r.status, 200, r.text);
  assert.equal(await paths(), '/v1/embeddings');
  assert.equal((await ask(t.gw.origin, 'POST', '/v1/completions', { model: 'responses/sim', prompt: 'x' })).status, 200);
});

test('azure: the key and the path are its own', async () => {
  await clients.chat.send('azure/sim?tokens=2');
  const entry = (await t.sim.log()).at(-1);
  assert.equal(entry.path, '/openai/v1/responses');
  assert.ok('api-key' in entry.headers);
  // Also where it is translated into Chat Completions.
  await ask(t.gw.origin, 'POST', '/v1/messages', clients.messages.body('azurechat/dep'));
  assert.equal(heard.path, '/openai/deployments/dep/chat/completions?api-version=2024-10-21');
});

// ---- what is asked ----

test('R45 nothing is stored, reasoning is asked for where there is any, and what has no place is named', async () => {
  const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', { model: 'own/gpt-5', messages: user, seed: 1, stop: ['x'], logit_bias: { 5: 1 }, max_completion_tokens: 50, store: true, verbosity: 'low' });
  assert.equal(r.status, 200, r.text);
  assert.deepEqual(r.headers['x-dragoman-dropped-params'].split(', ').sort(), ['logit_bias', 'seed', 'stop', 'store']);
  assert.deepEqual(heard.body, { model: 'gpt-5', store: false, include: ['reasoning.encrypted_content'], max_output_tokens: 50, text: { verbosity: 'low' },
    input: [{ type: 'message', role: 'user', content: said }] });
  await clients.chat.send('own/gpt-4.1');
  assert.equal('include' in heard.body, false);
  assert.equal((await ask(t.gw.origin, 'POST', '/v1/chat/completions', { model: 'own/m', messages: user, n: 2 })).json.error.param, 'n');
});

test('R46 what OpenAI sealed stays behind at Anthropic, and what Anthropic signed at OpenAI', async () => {
  for (const [from, to] of [['responses', 'anthropic'], ['anthropic', 'responses']]) {
    const c = clients.chat;
    const first = await c.send(`${from}/sim?reasoning=5,tokens=3`, { ...c.think, max_tokens: 4000 });
    assert.equal(first.choices[0].message.thinking_blocks.length, 1);
    const r = await ask(t.gw.origin, 'POST', c.path, { model: `${to}/sim?tokens=3`, max_tokens: 4000, ...c.next(first) });
    assert.equal(r.status, 200, r.text);
    assert.match(r.headers['x-dragoman-dropped-params'], /thinking|reasoning_content/);
  }
});

test('R48 a Responses conversation that Anthropic had a turn of goes on at OpenAI', async () => {
  const c = clients.responses;
  for (const script of ['tools-parallel,calls=2', 'tokens=3']) {
    const first = await c.send(`anthropic/sim?reasoning=5,${script}`, { tools: c.tools, ...c.think });
    assert.match(JSON.stringify(first), /dragoman\.signature:/);
    const own = await c.send('responses/sim?reasoning=5', { tools: c.tools, ...c.think });
    const input = [...c.next(first).input, ...own.output.filter((i) => i.type === 'reasoning')];
    const r = await ask(t.gw.origin, 'POST', c.path, { model: 'responses/sim?tokens=3', tools: c.tools, input });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['x-dragoman-dropped-params'], 'input.reasoning.encrypted_content');
    await ask(t.gw.origin, 'POST', c.path, { model: 'own/m', tools: c.tools, input, unheard_of: 1 });
    assert.deepEqual(heard.body, { model: 'm', tools: c.tools, input: input.filter((i) => !i.encrypted_content?.startsWith('dragoman.')), unheard_of: 1 });
    assert.equal(heard.body.input.filter((i) => i.type === 'reasoning').length, 1);
  }
});

test('R48 a conversation goes on at a target of another dialect', async () => {
  for (const c of [clients.chat, clients.messages]) {
    const first = await c.send('anthropic/sim?tools-parallel,calls=2', { tools: c.tools });
    const second = await c.send('responses/sim?tokens=3', { tools: c.tools, ...c.next(first) });
    assert.equal(words(c.text(second)), 3);
    assert.equal(words(c.text(await c.send('talks', {}, true))), 4);
  }
});
