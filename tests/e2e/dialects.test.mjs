// R8, R45 to R48: clients of two APIs, each against targets of four dialects. Whoever answers, the official
// SDK of the client's API understands it: texts, thinking, tool calls that can be answered, images, schemas,
// usage, stop reasons, errors. The simulator is strict: what it takes, the providers' own checks take.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { PIXEL, sdkClients, user, words } from './clients.mjs';
import { assertValid as valid } from './descriptions.mjs';
import { Gateway, Upstream, ask, chat, completion, eventually, pair, parseEvents, question, reply } from './harness.mjs';

const dialects = ['openai', 'anthropic', 'gemini', 'ollama'];
const at = (origin, more = {}) => ({
  openai: { dialect: 'openai', base_url: `${origin}/v1`, ...more },
  anthropic: { dialect: 'anthropic', base_url: `${origin}/v1`, keys: ['sk-ant-upstream'], ...more },
  gemini: { dialect: 'gemini', base_url: `${origin}/v1beta`, keys: ['AIza-upstream'], ...more },
  ollama: { dialect: 'ollama', base_url: origin, ...more },
});

// An upstream of our own sees what was sent to the letter; it answers by the dialect that was asked.
let heard;
const own = await Upstream.start((q, a, body) => {
  heard = { path: q.url, headers: q.headers, text: body.toString(), body: JSON.parse(body) };
  if (q.url.includes('/messages'))
    return reply(a, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'ok' }],
      stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });
  if (q.url.includes(':generateContent'))
    return reply(a, 200, { candidates: [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 0 }] });
  if (q.url.endsWith('/api/chat'))
    return reply(a, 200, { model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: 'ok' }, done: true, done_reason: 'stop' });
  return reply(a, 200, completion('ok'));
});
const ownProviders = Object.fromEntries(Object.entries(at(own.origin)).map(([k, v]) => [`own-${k}`, v]));

const failing = (d, fault, n) => `${d}/sim?${fault},tokens=7,tag=${n}`;
const before = ['error-first', 'lifecycle-then-error', 'error-in-200', 'empty-stream', 'html', 'null', 'empty-choices', 'cut-rst,after=0', '500', '529', 'refuse'];
const models = {};
for (const d of dialects)
  for (const f of before)
    models[`${d}:${f}`] = { strategy: 'ordered', targets: [failing(d, f, 'first'), `${d === 'openai' ? 'anthropic' : 'openai'}/sim?tokens=7,tag=good`] };
/* An answer of no words is an answer in Anthropic's API, and so is the order in which the simulator ends Ollama's null. */
const isAnswer = (d, f) => (d === 'anthropic' && f === 'empty-choices') || (d === 'ollama' && f === 'null');
models.mixed = { targets: dialects.map((d) => ({ provider: d, model: 'sim?tokens=7,tag=mixed', weight: 1 })) };
models.claude = { targets: ['anthropic/sim?tokens=7'] };
models.picky = { strategy: 'ordered', targets: ['own-ollama/m', 'own-openai/m'] };
models.both = { strategy: 'ordered', targets: ['anthropic/sim?tokens=7', 'openai/sim?tokens=7'] };

const t = await pair((sim) => ({
  retry: { attempts: 2, initial: '10ms', target_rest: '0', key_bench: '0' },
  providers: { ...at(sim.origin), ...ownProviders },
  models,
}));
after(async () => {
  await t.stop();
  await own.stop();
});
const { openai, claude, clients: all } = sdkClients(t.gw);
const clients = { chat: all.chat, messages: all.messages };

/* What the simulator's dialects have not (docs/simulator.md). */
const unknown = { openai: [], anthropic: ['all-index-0', 'no-index'], gemini: ['interleaved', 'all-index-0', 'no-index', 'no-done'], ollama: ['interleaved'] };
const native = { chat: 'openai', messages: 'anthropic' };

const assertValid = (name, value) => valid(`chat:${name}`, value);

/** One streamed answer, as it came. */
async function raw(client, model, more = {}, headers = {}) {
  const c = clients[client];
  const body = client === 'chat' ? question(model, { stream: true, ...more }) : { model, max_tokens: 99, messages: user, stream: true, ...more };
  const r = await ask(t.gw.origin, 'POST', c.path, body, { headers });
  if (r.status !== 200) return { ...r, status: r.status, text: r.text };
  const { events, comments, unfinished } = parseEvents(r.text);
  return { status: r.status, headers: r.headers, text: r.text, events, comments, unfinished,
    last: events.at(-1), parsed: events.filter((e) => e.data !== '[DONE]').map((e) => JSON.parse(e.data)) };
}
const isEnd = (e) => e.data === '[DONE]' || e.name === 'message_stop';

/** Only the client's own API's events, and in its order. */
function assertOwnShape(client, r) {
  assert.match(r.headers['content-type'], /^text\/event-stream/);
  if (client === 'chat') {
    for (const e of r.events) assert.equal(e.name, '', r.text);
    for (const c of r.parsed) if (!c.error) assertValid('CreateChatCompletionStreamResponse', c);
    return;
  }
  for (const [i, e] of r.events.filter((x) => x.name !== 'error').entries()) {
    assert.equal(JSON.parse(e.data).type, e.name, r.text);
    assert.equal(e.name === 'message_start', i === 0, r.text);
  }
}

for (const [client, c] of Object.entries(clients)) {
  for (const d of dialects) {
    const it = `${client} on ${d}`;

    test(`${it}: a text, whole and streamed, its usage and its end`, async () => {
      for (const stream of [false, true]) {
        const r = await c.send(`${d}/sim?tokens=12`, {}, stream);
        assert.equal(words(c.text(r)), 12);
        assert.equal(c.stop(r), c.stops.end);
        assert.deepEqual(c.usage(r), [5, 12, 0]);
      }
      const raws = await raw(client, `${d}/sim?tokens=12`);
      assertOwnShape(client, raws);
      assert.ok(isEnd(raws.last), raws.text);
      assert.equal(raws.events.filter(isEnd).length, 1);
    });

    test(`${it}: unkind framing changes nothing`, async () => {
      const plain = c.text(await c.send(`${d}/sim?tokens=9`));
      for (const style of ['crlf', 'split-every-byte', 'split-utf8', 'glued', 'gzip'])
        assert.equal(c.text(await c.send(`${d}/sim?tokens=9,${style}`, {}, true)), plain, style);
    });

    test(`${it}: the end for want of room`, async () => {
      for (const stream of [false, true]) {
        const r = await c.send(`${d}/sim?tokens=12`, c.limit(4), stream);
        assert.equal(c.stop(r), c.stops.length);
        assert.equal(words(c.text(r)), 4);
      }
    });

    test(`R8 ${it}: parallel tool calls, and their answers`, async () => {
      for (const stream of [false, true]) {
        const first = await c.send(`${d}/sim?tools-parallel,calls=3`, { tools: c.tools }, stream);
        const calls = c.calls(first);
        assert.equal(c.stop(first), c.stops.calls);
        assert.deepEqual(calls.map((x) => [x.name, x.input.call]), [['weather', 0], ['weather', 1], ['weather', 2]]);
        assert.equal(new Set(calls.map((x) => x.id)).size, 3);
        const second = await c.send(`${d}/sim?tokens=3`, { tools: c.tools, ...c.next(first) }, stream);
        assert.equal(words(c.text(second)), 3);
      }
    });

    const styles = ['interleaved', 'all-index-0', 'no-index', 'whole'].filter((x) => !unknown[d].includes(x));
    test(`R8 ${it}: tool calls in every style of its`, async () => {
      for (const style of styles) {
        const r = await c.send(`${d}/sim?tools-${style},calls=3`, { tools: c.tools }, true);
        assert.deepEqual(c.calls(r).map((x) => x.input.call), [0, 1, 2], style);
        assert.equal(new Set(c.calls(r).map((x) => x.id)).size, 3, style);
        assert.equal(c.stop(r), c.stops.calls, style);
      }
    });

    test(`${it}: thinking, and its way back with tool calls`, async () => {
      const model = d === 'gemini' ? 'gemini-3-sim' : 'sim';
      for (const stream of [false, true]) {
        const first = await c.send(`${d}/${model}?reasoning=9,tools-parallel,calls=2`, { tools: c.tools, ...c.think }, stream);
        assert.equal(words(c.thought(first)), 9);
        assert.equal(c.calls(first).length, 2);
        const second = await c.send(`${d}/${model}?tokens=3`, { tools: c.tools, ...c.think, ...c.next(first) }, stream);
        assert.equal(words(c.text(second)), 3);
      }
    });

    test(`${it}: thinking before a text, and a second turn`, async () => {
      for (const stream of [false, true]) {
        const first = await c.send(`${d}/sim?reasoning=9,tokens=4`, c.think, stream);
        assert.equal(words(c.thought(first)), 9);
        assert.equal(words(c.text(first)), 4);
        assert.equal(c.usage(first)[1], 13, 'what was thought is output, too');
        const next = c.next(first);
        next.messages = [...next.messages.slice(0, 2), { role: 'user', content: 'And then?' }];
        assert.equal(words(c.text(await c.send(`${d}/sim?tokens=3`, { ...c.think, ...next }, stream))), 3);
      }
    });

    test(`${it}: a system prompt, an image, a schema are taken`, async () => {
      assert.ok(c.text(await c.send(`${d}/sim`, c.system('Be brief.'))));
      assert.ok(c.text(await c.send(`${d}/sim`, c.image)));
      assert.ok(c.text(await c.send(`${d}/sim`, c.format)));
      await c.send(`own-${d}/m`, c.system('Be very brief.'));
      assert.match(heard.text, /Be very brief\./);
      await c.send(`own-${d}/m`, c.image);
      assert.ok(heard.text.includes(PIXEL));
      await c.send(`own-${d}/m`, c.format);
      assert.match(heard.text, /"days"/);
    });

    test(`R45 ${it}: what cannot be said is named`, async () => {
      const body = client === 'chat' ? question(`own-${d}/m`, c.odd) : { model: `own-${d}/m`, max_tokens: 9, messages: user, ...c.odd };
      const r = await ask(t.gw.origin, 'POST', c.path, body);
      assert.equal(r.status, 200, r.text);
      const [name] = Object.keys(c.odd);
      assert.equal(r.headers['x-dragoman-dropped-params'], native[client] === d ? undefined : name);
      assert.equal(name in heard.body, native[client] === d);
    });

    test(`R3 ${it}: a stream that is cut ends in an error, in the client's own words`, async () => {
      for (const fault of ['cut-rst', 'cut-fin', 'cut-chunk']) {
        const r = await raw(client, `${d}/sim?${fault},after=3,tokens=9`);
        assertOwnShape(client, r);
        assert.equal(r.events.filter(isEnd).length, 0, r.text);
        assert.ok(!r.unfinished);
        const e = JSON.parse(r.last.data);
        if (client === 'chat') {
          assert.equal(e.error.code, 'upstream_stream_truncated');
          assert.ok(r.parsed.every((p) => !p.choices?.some((x) => x.finish_reason)));
        } else {
          assert.equal(r.last.name, 'error');
          assert.equal(e.error.type, 'api_error');
          assert.ok(r.events.every((x) => x.name !== 'message_delta' || !JSON.parse(x.data).delta.stop_reason), r.text);
        }
        await assert.rejects(c.send(`${d}/sim?${fault},after=3,tokens=9`, {}, true), c.APIError);
      }
    });

    // Ollama's older versions end without a reason; its last line is one.
    if (d !== 'ollama')
      test(`R3 ${it}: an end without a finish reason is none`, async () => {
        const r = await raw(client, `${d}/sim?done-without-finish,tokens=4`);
        assert.equal(r.events.filter(isEnd).length, 0, r.text);
        assert.doesNotMatch(r.text, /"(finish_reason|stop_reason)":"/);
        await assert.rejects(c.send(`${d}/sim?done-without-finish,tokens=4`, {}, true), c.APIError);
      });

    if (d === 'openai' || d === 'anthropic')
      test(`R3 ${it}: a finish reason without the end is whole`, async () => {
        const r = await raw(client, `${d}/sim?no-done,tokens=4`);
        assert.ok(isEnd(r.last), r.text);
        assert.equal(words(c.text(await c.send(`${d}/sim?no-done,tokens=4`, {}, true))), 4);
      });

    test(`R3b ${it}: an event that is no JSON is left out`, async () => {
      assert.equal(words(c.text(await c.send(`${d}/sim?bad-json-mid-stream,tokens=9`, {}, true))), 9);
    });

    for (const fault of before.filter((f) => !isAnswer(d, f)))
      test(`R10 ${it}: ${fault} before the content falls back to another dialect`, async () => {
        const expected = c.text(await c.send('openai/sim?tokens=7,tag=good'));
        for (const stream of [false, true]) {
          if (!stream && ['error-first', 'lifecycle-then-error', 'empty-stream'].includes(fault)) continue;
          const r = await c.send(`${d}:${fault}`, {}, stream);
          assert.equal(c.text(r), expected);
          assert.equal(c.stop(r), c.stops.end);
        }
        const r = await raw(client, `${d}:${fault}`);
        assertOwnShape(client, r);
        assert.equal(r.headers['x-dragoman-attempts'], '2');
        assert.ok(isEnd(r.last));
      });

    test(`${it}: refusals throw the SDK's own classes`, async () => {
      for (const [fault, status] of [['400', 400], ['404', 404], ['422', 422], ['429', 429], ['500', 502], ['529', 503], ['401', 502], ['context-window', 400]])
        for (const stream of [false, true])
          await assert.rejects(c.send(`${d}/sim?${fault}`, {}, stream), (e) => {
            assert.ok(e instanceof c.errors[status], `${fault}: ${e.constructor.name} ${e.message}`);
            assert.equal(e.status, status);
            assert.ok(e.requestID, `${fault}: no request id`);
            if (client === 'messages') assert.equal(e.error.type, 'error');
            else assert.equal(typeof e.error.message, 'string');
            return true;
          });
    });

    test(`${it}: a provider's refusal keeps its words and its status`, async () => {
      const path = { openai: '/v1/chat/completions', anthropic: '/v1/messages', gemini: '/v1beta/models/sim%3F404:generateContent', ollama: '/api/chat' }[d];
      const body = { openai: question('sim?404'), anthropic: { model: 'sim?404', max_tokens: 9, messages: user }, gemini: { contents: [{ role: 'user', parts: [{ text: 'x' }] }] }, ollama: { model: 'sim?404', messages: user } }[d];
      const itself = await ask(t.sim.origin, 'POST', path, body, { headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', 'x-goog-api-key': 'k' } });
      assert.equal(itself.status, 404);
      const said = itself.json.error.message ?? itself.json.error;
      const r = await ask(t.gw.origin, 'POST', c.path, client === 'chat' ? question(`${d}/sim?404`) : { model: `${d}/sim?404`, max_tokens: 9, messages: user });
      assert.equal(r.status, 404);
      if (native[client] === d) {
        const same = (j) => JSON.stringify({ ...j, request_id: null });
        assert.equal(same(r.json), same(itself.json));
      } else if (client === 'chat') {
        assertValid('ErrorResponse', r.json);
        assert.equal(r.json.error.message, said);
      } else {
        assert.deepEqual(r.json.error, { type: 'not_found_error', message: said });
      }
      assert.equal(r.headers['x-should-retry'], 'false');
    });

    test(`${it}: Retry-After is passed on`, async () => {
      const r = await raw(client, `${d}/sim?retry-after-int,ra=90s`);
      assert.equal(r.status, 429, r.text);
      assert.equal(r.headers['retry-after'], '90');
    });

    test(`R1 ${it}: to abort a stream leaves the upstream`, async () => {
      const model = `sim?tokens=1000,gap=30ms,tag=aborted-${client}-${d}`;
      const body = { model: `${d}/${model}`, messages: user, stream: true };
      const stream = client === 'chat' ? await openai.chat.completions.create(body) : await claude.messages.create({ ...body, max_tokens: 4096 });
      let n = 0;
      for await (const e of stream) if (e && ++n === 3) break;
      await eventually(async () => (await t.sim.only(model)).peer_left, 'the upstream being left');
    });

    test(`${it}: a whole answer where a stream was asked for is told as one`, async () => {
      for (const script of ['tokens=7', 'tools-parallel,calls=2', 'reasoning=3,tokens=4']) {
        const model = `${d}/sim?json-for-sse,${script}`;
        const r = await c.send(model, { tools: c.tools }, true);
        const whole = await c.send(`${d}/sim?${script}`, { tools: c.tools });
        assert.equal(c.text(r) ?? null, c.text(whole) ?? null);
        assert.equal(c.stop(r), c.stop(whole));
        assert.deepEqual(c.usage(r), c.usage(whole));
        const raws = await raw(client, model, { tools: c.tools });
        assertOwnShape(client, raws);
        assert.equal(raws.headers['x-dragoman-attempts'], '1');
        assert.ok(isEnd(raws.last));
      }
    });

    if (client === 'chat')
      test(`R7 ${it}: usage comes in a stream if it was asked for, and every chunk is valid`, async () => {
        for (const script of ['tokens=5', 'tools-parallel,calls=3', 'reasoning=3,tokens=2', 'usage-absent,tokens=3', 'usage-zero,tokens=3']) {
          const asked = await raw('chat', `${d}/sim?${script}`, { stream_options: { include_usage: true }, tools: c.tools });
          const not = await raw('chat', `${d}/sim?${script}`, { tools: c.tools });
          for (const r of [asked, not]) {
            assertOwnShape('chat', r);
            assert.equal(new Set(r.parsed.map((p) => p.id)).size, 1);
          }
          assert.equal(not.parsed.filter((p) => p.usage).length, 0, not.text);
          if (!script.startsWith('usage-absent')) assert.equal(asked.parsed.filter((p) => p.usage && p.choices.length === 0).length, 1, asked.text);
          assertValid('CreateChatCompletionResponse', (await chat(t.gw, `${d}/sim?${script}`, { tools: c.tools })).json);
        }
      });
  }

  test(`${client}: an alias of mixed dialects, by weight`, async () => {
    const seen = new Set();
    const texts = new Set();
    for (let i = 0; i < 8; i++) {
      const r = await raw(client, 'mixed');
      assertOwnShape(client, r);
      assert.ok(isEnd(r.last));
      seen.add(r.headers['x-dragoman-target'].split('/')[0]);
      const whole = await ask(t.gw.origin, 'POST', c.path, { model: 'mixed', max_tokens: 99, messages: user });
      seen.add(whole.headers['x-dragoman-target'].split('/')[0]);
      texts.add(c.text(whole.json));
    }
    assert.deepEqual([...seen].sort(), [...dialects].sort());
    assert.equal(texts.size, 1);
  });

  test(`R48 ${client}: a target that cannot be told what was asked is passed over`, async () => {
    // Ollama takes no file, and OpenAI's takes this one.
    const file = client === 'chat'
      ? { messages: [{ role: 'user', content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } }] }] }
      : { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' } }] }] };
    await assert.rejects(c.send('own-ollama/m', file), (e) => e instanceof c.errors[400] && /Ollama|file|document/i.test(e.message));
    const r = await c.send('picky', file);
    assert.equal(c.text(r), 'ok');
    assert.match(heard.path, /chat\/completions/);
  });
}

// ---- R44 on Anthropic's side ----

test('R44 messages on anthropic: the body passes byte for byte but for the model, the answer too', async () => {
  let sent;
  const answer = '{"id":"msg_9", "type":"message","role":"assistant","model":"real","content":[{"type":"text","text":"caf\\u00e9","future":[1.0,2e1]}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1,"iterations":[{"x":9007199254740993}]},"unheard_of":{"a" : null}}';
  const upstream = await Upstream.start((q, a, body) => ((sent = { body: body.toString(), headers: q.headers, url: q.url }), reply(a, 200, answer, { 'anthropic-organization-id': 'org' })));
  const gw = await Gateway.start({ providers: { a: { dialect: 'anthropic', base_url: upstream.url, key: 'sk-ant-secret' } } });
  try {
    const body = '{ "model" : "a/claude","max_tokens":9 ,"messages":[{"role":"user","content":"\\u0041"}],"new_field":{"n":12345678901234567890,"f":1.50},"top_p":0.10}';
    const r = await ask(gw.origin, 'POST', '/v1/messages?beta=true', Buffer.from(body), { headers: { 'anthropic-beta': 'files-api-2025-04-14,x-1', 'x-api-key': 'client' } });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.text, answer);
    assert.equal(sent.body, body.replace('"a/claude"', '"claude"'));
    assert.equal(sent.url, '/v1/messages?beta=true');
    assert.equal(sent.headers['anthropic-beta'], 'files-api-2025-04-14,x-1');
    assert.equal(sent.headers['x-api-key'], 'sk-ant-secret');
    assert.equal(sent.headers['anthropic-version'], '2023-06-01');
    assert.equal(r.headers['anthropic-organization-id'], 'org');
    assert.equal(r.headers['x-dragoman-dropped-params'], undefined);
  } finally {
    await gw.stop();
    await upstream.stop();
  }
});

test('R44 messages on anthropic: a stream passes byte for byte, message_stop included', async () => {
  const events = [
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1},"new":1.0}}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"caf\\u00e9"}, "p" : "abc"}\n\n',
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    'event: unheard_of\ndata: {"type":"unheard_of","x":[1e2]}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":4}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop","amazon-bedrock-invocationMetrics":{"outputTokenCount":4}}\n\n',
  ];
  const upstream = await Upstream.start((q, a) => {
    a.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    a.end(events.join(''));
  });
  const gw = await Gateway.start({ providers: { a: { dialect: 'anthropic', base_url: upstream.url } } });
  try {
    const r = await ask(gw.origin, 'POST', '/v1/messages', { model: 'a/m', max_tokens: 9, messages: user, stream: true });
    assert.equal(r.text, events.join(''));
    const line = await gw.accessOf(r.headers['x-request-id']);
    assert.match(JSON.stringify(line), /"?4"?/);
  } finally {
    await gw.stop();
    await upstream.stop();
  }
});

// ---- the client's headers, and what a header may hold ----

test('a field of one maker stays from the others, both ways', async () => {
  await ask(t.gw.origin, 'POST', '/v1/messages', { model: 'own-openai/m', max_tokens: 9, messages: user }, { headers: { 'anthropic-beta': 'x', 'anthropic-version': '2023-06-01' } });
  assert.equal(heard.headers['anthropic-beta'], undefined);
  const r = await chat(t.gw, 'anthropic/sim?tokens=1');
  assert.deepEqual(Object.keys(r.headers).filter((k) => k.startsWith('anthropic-')), []);
});

test('R45 names that a client made up are clean in a header, and bounded', async () => {
  const odd = { 'a, b\u0007\r\nx-evil: 1': 1, ['n'.repeat(300)]: 1, caf\u00e9: 1 };
  for (let i = 0; i < 25; i++) odd[`member_${i}_${'y'.repeat(55)}`] = 1;
  const r = await chat(t.gw, 'own-anthropic/m', odd);
  assert.equal(r.status, 200, r.text);
  const value = r.headers['x-dragoman-dropped-params'];
  assert.match(value, /^[\x21-\x7e]+(, [\x21-\x7e]+)*$/);
  assert.ok(value.length > 500 && value.length < 1200, `${value.length}`);
  assert.match(value, /\.\.\.$/);
  assert.equal(r.headers['x-evil'], undefined);
});

test('R45 translation.strict refuses what would be dropped, and names it', async () => {
  const gw = await Gateway.start({ translation: { strict: true }, providers: { ...at(t.sim.origin), ...ownProviders },
    models: { picky: { strategy: 'ordered', targets: ['own-anthropic/m', 'own-openai/m'] } } });
  try {
    const r = await chat(gw, 'own-anthropic/m', { logit_bias: { 5: 1 }, seed: 7 });
    assert.equal(r.status, 400);
    assert.match(r.json.error.message, /logit_bias/);
    assert.match(r.json.error.message, /seed/);
    const one = await chat(gw, 'own-anthropic/m', { seed: 7 });
    assert.equal(one.json.error.param, 'seed');
    assert.equal((await chat(gw, 'own-openai/m', { logit_bias: { 5: 1 }, seed: 7 })).status, 200, 'the same dialect takes it all');
    const other = await chat(gw, 'picky', { seed: 7 });
    assert.equal(other.status, 200, 'another target can be told');
    assert.equal(heard.body.seed, 7);
    assert.equal(other.headers['x-dragoman-dropped-params'], undefined);
  } finally {
    await gw.stop();
  }
});

// ---- what has no translation, counting, errors of our own ----

test('R48 embeddings and completions on an Anthropic target are a clear 400', async () => {
  for (const [path, body] of [['/v1/embeddings', { model: 'claude', input: 'x' }], ['/v1/completions', { model: 'claude', prompt: 'x' }]]) {
    const r = await ask(t.gw.origin, 'POST', path, body);
    assert.equal(r.status, 400, r.text);
    assert.ok(r.json.error.message.includes(path) && r.json.error.message.includes('anthropic'), r.text);
    assert.equal(r.json.error.param, 'model');
    assertValid('ErrorResponse', r.json);
    assert.equal((await ask(t.gw.origin, 'POST', path, { ...body, model: 'both' })).status, 200);
  }
});

test('tokens are counted by an Anthropic target, and by nobody else', async () => {
  const r = await claude.messages.countTokens({ model: 'claude', messages: user });
  assert.deepEqual({ ...r }, { input_tokens: 5 });
  for (const d of ['openai', 'gemini', 'ollama'])
    await assert.rejects(claude.messages.countTokens({ model: `${d}/sim`, messages: user }), (e) => {
      assert.equal(e.status, 501);
      assert.equal(e.error.type, 'error');
      assert.match(e.message, /count_tokens/);
      return true;
    });
  await assert.rejects(claude.messages.countTokens({ model: 'own-anthropic/m', messages: user }), (e) => e.status === 502);
});

test("errors of the gateway itself on /v1/messages are Anthropic's", async () => {
  const gw = await Gateway.start({ providers: at(t.sim.origin), keys: [{ name: 'app', key: 'sk-client-0123456789', models: ['claude'] }],
    models: { claude: { targets: ['anthropic/sim?tokens=3'] }, secret: { targets: ['anthropic/sim'] } } });
  try {
    const by = (apiKey) => new Anthropic({ baseURL: gw.origin, apiKey, maxRetries: 0 });
    const create = (key, more) => by(key).messages.create({ model: 'claude', max_tokens: 9, messages: user, ...more });
    assert.ok(await create('sk-client-0123456789'));
    for (const [run, kind, status, type] of [
      [() => create('sk-wrong'), Anthropic.AuthenticationError, 401, 'authentication_error'],
      [() => create('sk-client-0123456789', { model: 'secret' }), Anthropic.PermissionDeniedError, 403, 'permission_error'],
      [() => create('sk-client-0123456789', { model: 'nothing' }), Anthropic.NotFoundError, 404, 'not_found_error'],
      [() => create('sk-client-0123456789', { messages: [] }), Anthropic.BadRequestError, 400, 'invalid_request_error'],
    ])
      await assert.rejects(run(), (e) => {
        assert.ok(e instanceof kind, `${e.constructor.name}: ${e.message}`);
        assert.equal(e.status, status);
        assert.equal(e.error.error.type, type);
        assert.equal(e.requestID, e.error.request_id);
        assert.ok(e.requestID);
        return true;
      });
    const broken = await ask(gw.origin, 'POST', '/v1/messages', Buffer.from('{'), { headers: { 'x-api-key': 'sk-client-0123456789' } });
    assert.equal(broken.json.error.type, 'invalid_request_error');
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const r = await ask(gw.origin, 'GET', path, undefined, { headers: { 'x-api-key': 'sk-client-0123456789' } });
      assert.equal(r.status, 405);
      assert.equal(r.headers.allow, 'POST');
      assert.equal(r.json.type, 'error');
    }
    const relayed = await ask(gw.origin, 'POST', '/v1/messages/batches', { requests: [] }, { headers: { 'x-api-key': 'sk-client-0123456789' } });
    assert.equal(relayed.json.type, 'error', relayed.text);
  } finally {
    await gw.stop();
  }
});

test('a silent stream is kept alive by what the API knows', async () => {
  const gw = await Gateway.start({ providers: at(t.sim.origin), stream: { keepalive: '100ms' }, retry: { initial: '300ms' },
    models: Object.fromEntries(dialects.map((d) => [`late-${d}`, { strategy: 'ordered', targets: [`${d}/sim?slow-ttft,ttft=500ms,cut-rst,after=0`, `${d === 'openai' ? 'anthropic' : 'openai'}/sim?tokens=3`] }])) });
  try {
    for (const d of dialects) {
      const r = await ask(gw.origin, 'POST', '/v1/messages', { model: `${d}/sim?ttft=600ms,tokens=3`, max_tokens: 9, messages: user, stream: true });
      const { events } = parseEvents(r.text);
      assert.ok(events.filter((e) => e.name === 'ping').length >= 1, r.text);
      assert.equal(events.at(-1).name, 'message_stop');
      const final = await new Anthropic({ baseURL: gw.origin, apiKey: 'x' }).messages.stream({ model: `${d}/sim?ttft=600ms,tokens=3`, max_tokens: 9, messages: user }).finalMessage();
      assert.equal(words(final.content[0].text), 3);
      // A ping has committed the status, not the target.
      const late = await ask(gw.origin, 'POST', '/v1/messages', { model: `late-${d}`, max_tokens: 99, messages: user, stream: true });
      const names = parseEvents(late.text).events.map((e) => e.name);
      assert.equal(names[0], 'ping', late.text);
      assert.equal(names.filter((n) => n === 'message_start').length, 1, late.text);
      assert.equal(names.at(-1), 'message_stop', late.text);
    }
  } finally {
    await gw.stop();
  }
});

test('n choices: from a target that has them, and refused for one that has not', async () => {
  for (const d of ['openai', 'gemini']) {
    const r = await openai.chat.completions.create({ model: `${d}/sim?tokens=3`, messages: user, n: 2 });
    assert.deepEqual(r.choices.map((x) => [x.index, x.finish_reason]), [[0, 'stop'], [1, 'stop']]);
    const s = await openai.chat.completions.stream({ model: `${d}/sim?tokens=3`, messages: user, n: 2 }).finalChatCompletion();
    assert.deepEqual(s.choices.map((x) => [x.index, x.finish_reason]), [[0, 'stop'], [1, 'stop']]);
  }
  await assert.rejects(openai.chat.completions.create({ model: 'anthropic/sim', messages: user, n: 2 }),
    (e) => e instanceof OpenAI.BadRequestError && e.param === 'n');
});

// ---- an error amid the content, in each dialect's words ----

const amid = {
  openai: ['text/event-stream', 'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"half"},"finish_reason":null}]}\n\n' +
    'data: {"error":{"message":"It burns.","type":"server_error","code":null}}\n\n'],
  anthropic: ['text/event-stream', 'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n' +
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n' +
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"half"}}\n\n' +
    'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"It burns."}}\n\n'],
  gemini: ['text/event-stream', 'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"half"}]},"index":0}]}\r\n\r\n' +
    'data: {"error":{"code":503,"message":"It burns.","status":"UNAVAILABLE"}}\r\n\r\n'],
  ollama: ['application/x-ndjson', '{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"half"},"done":false}\n{"error":"It burns."}\n'],
};

test('R11 an error amid the content is told in the form of the client, and nobody else is asked', async () => {
  let asked = 0;
  const up = await Upstream.start((q, a) => {
    const [type, text] = amid[q.url.includes('/messages') ? 'anthropic' : q.url.includes('streamGenerate') ? 'gemini' : q.url.includes('/api/chat') ? 'ollama' : 'openai'];
    asked++;
    a.writeHead(200, { 'content-type': type });
    a.end(text);
  });
  const gw = await Gateway.start({ providers: at(up.origin), models: Object.fromEntries(dialects.map((d) => [d, { strategy: 'ordered', targets: [`${d}/m`, 'openai/other'] }])) });
  try {
    for (const d of dialects) {
      asked = 0;
      const r = await ask(gw.origin, 'POST', '/v1/messages', { model: d, max_tokens: 9, messages: user, stream: true });
      const m = parseEvents(r.text).events;
      assert.match(r.text, /half/);
      assert.equal(m.at(-1).name, 'error', r.text);
      assert.match(JSON.parse(m.at(-1).data).error.message, /It burns/);
      const s = await ask(gw.origin, 'POST', '/v1/chat/completions', question(d, { stream: true }));
      const e = parseEvents(s.text).events;
      assert.match(JSON.parse(e.at(-1).data).error.message, /It burns/);
      assertValid('ErrorResponse', JSON.parse(e.at(-1).data));
      assert.ok([...m, ...e].every((x) => !isEnd(x)));
      assert.equal(asked, 2, d);
    }
  } finally {
    await gw.stop();
    await up.stop();
  }
});

test('a long talk, and a long answer, have room in every direction', async () => {
  const talk = Array.from({ length: 2001 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: `Turn ${i}.` }));
  for (const [client, c] of Object.entries(clients))
    for (const d of dialects) {
      assert.equal(words(c.text(await c.send(`${d}/sim?tokens=3`, { messages: talk }))), 3, `${client} ${d}`);
      const r = await ask(t.gw.origin, 'POST', c.path, { model: `${d}/sim?tokens=200000`, messages: user, max_tokens: 400000 });
      assert.equal(r.status, 200, r.text.slice(0, 300));
      assert.equal(words(c.text(r.json)), 200000);
    }
});

test('R49 what JSON can say, a text can say: escapes arrive as they were', async () => {
  const odd = 'quote " backslash \\ newline \n tab \t nul \u0000 emoji \u{1F642} separator \u2028 </script>';
  for (const [client, c] of Object.entries(clients))
    for (const d of dialects) {
      const r = await c.send(`${d}/sim`, { messages: [{ role: 'user', content: odd }] });
      const s = await c.send(`${d}/sim`, { messages: [{ role: 'user', content: odd }] }, true);
      await c.send(`own-${d}/m`, { messages: [{ role: 'user', content: odd }] });
      assert.ok(JSON.stringify(heard.body).includes(JSON.stringify(odd).slice(1, -1)), `${client} ${d}`);
      assert.equal(c.text(s), c.text(r));
    }
});

test('metrics and the access log know a translated call as any other', async () => {
  for (const [client, d] of [['chat', 'anthropic'], ['messages', 'gemini'], ['messages', 'anthropic'], ['messages', 'ollama']]) {
    const r = await raw(client, `${d}/sim?tokens=11`);
    const line = await t.gw.accessOf(r.headers['x-request-id']);
    const text = JSON.stringify(line);
    assert.match(text, /\b11\b/, text);
    assert.ok(text.includes(client), text);
  }
});

// ---- a conversation that goes on elsewhere ----

for (const [client, c] of Object.entries(clients))
  for (const from of dialects)
    for (const to of dialects)
      test(`R46 ${client}: a turn of ${from}, with thinking and calls, goes on at ${to}`, async () => {
        const model = (d) => `${d}/${d === 'gemini' ? 'gemini-3-sim' : 'sim'}`;
        for (const stream of [false, true]) {
          const first = await c.send(`${model(from)}?reasoning=5,tools-parallel,calls=2`, { tools: c.tools, ...c.think }, stream);
          const next = c.send(`${model(to)}?tokens=3`, { tools: c.tools, ...c.think, ...c.next(first) }, stream);
          assert.equal(words(c.text(await next)), 3);
        }
      });
