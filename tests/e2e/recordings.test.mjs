// R4, R46, R47: every recorded answer of every provider, told to clients of each API, streamed and whole: valid by the API's
// own descriptions, in its order, and it says what the recording says, which is read here anew.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { addTypes, wrongBy, wrongEvent } from './descriptions.mjs';
import { parseEvents, program, root } from './harness.mjs';

await addTypes('claude', '@anthropic-ai/sdk/resources/messages/messages.d.ts', ['RawMessageStreamEvent', 'Message']);
await addTypes('claude-errors', '@anthropic-ai/sdk/resources/shared.d.ts', ['ErrorResponse']);
await addTypes('google', '@google/genai/dist/genai.d.ts', ['GenerateContentResponse']);

// ---- which there are ----

const folders = ['recordings', 'recordings/anthropic', 'recordings/google', 'recordings/amazon-bedrock', 'recordings/responses', 'anthropic'];
const files = folders.flatMap((folder) => readdirSync(join(root, 'tests/data', folder))
  .filter((name) => /\.(json|sse|chunks\.txt)$/.test(name)).map((name) => `tests/data/${folder}/${name}`));

/* Not told at all: no target speaks it. */
const untold = [
  [/\/openai-completion-text\./, 'of the old completions, which are not translated'],
];
/* Told, but not as an answer. */
const failures = {
  'spliced-message-start.chunks.txt': 'two answers spliced together, of which the first is cut',
  'google-429-retry-info.json': 'a refusal',
  'reasoning-model-legacy-parameter-error.json': 'a refusal',
  'openai-error.1.chunks.txt': 'an error in a stream',
  'openai-error.1.json': 'an error in a body',
  'reasoning-model-temperature-error.json': 'a refusal',
};
const why = (file) => untold.find(([name]) => name.test(file))?.[1];
const told = files.filter((file) => why(file) === undefined);

const ran = spawnSync(join(dirname(program), 'retell'), told, { cwd: root, maxBuffer: 1 << 28, encoding: 'utf8' });
assert.equal(ran.status, 0, ran.stderr);
const outputs = ran.stdout.trim().split('\n').map((line) => JSON.parse(line));

// ---- what a recording says, read by itself ----

const lines = (text) => text.split('\n').filter((l) => l.trim() !== '').map((l) => JSON.parse(l));
const kindOf = (file) => (/anthropic\//.test(file) ? 'anthropic' : /google/.test(file) ? 'gemini' : /bedrock/.test(file) ? 'bedrock' : /\/responses\//.test(file) ? 'responses' : 'openai');
/* All other blocks are Anthropic's own, and go to its clients as they came, whatever their types say today. */
const ours = ['text', 'thinking', 'redacted_thinking', 'tool_use'];
const nothing = () => ({ text: '', thought: '', calls: [], own: [], usage: undefined });
/* Arguments that were cut are the text that came. */
function args(text) {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return text;
  }
}

const readers = {
  openai(chunks) {
    const said = nothing(), calls = [];
    const content = (c) => {
      for (const part of typeof c === 'string' ? [{ type: 'text', text: c }] : c ?? [])
        if (part.type === 'thinking') said.thought += part.thinking.map((p) => p.text).join('');
        else said.text += part.text ?? '';
    };
    for (const chunk of chunks) {
      for (const choice of chunk.choices ?? []) {
        const d = choice.delta ?? choice.message;
        content(d?.content);
        said.thought += d?.reasoning_content ?? d?.reasoning ?? '';
        for (const [i, c] of (d?.tool_calls ?? []).entries()) {
          const call = calls[c.index ?? i] ??= { name: '', text: '' };
          call.name ||= c.function?.name ?? '';
          call.text += c.function?.arguments ?? '';
        }
      }
      // xAI leaves reasoning out of completion_tokens, but not out of the total.
      if (chunk.usage) said.usage = [chunk.usage.prompt_tokens, chunk.usage.total_tokens - chunk.usage.prompt_tokens];
    }
    said.calls = calls.filter(Boolean).map((c) => ({ name: c.name, args: args(c.text) }));
    return said;
  },
  anthropic(events) {
    const said = nothing(), blocks = [];
    const usage = { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };
    const count = (u) => Object.keys(usage).forEach((k) => { if (u?.[k]) usage[k] = u[k]; });
    // Of several answers, one behind the other, the first.
    const last = events.findIndex((e) => e.type === 'message_stop');
    for (const e of last < 0 ? events : events.slice(0, last)) {
      if (e.type === 'message') {
        blocks.push(...e.content.map((b) => ({ ...b, json: '' })));
        count(e.usage);
      }
      if (e.type === 'message_start') {
        blocks.splice(0, blocks.length, ...e.message.content.map((b) => ({ ...b, json: '' })));
        count(e.message.usage);
      }
      if (e.type === 'content_block_start') blocks[e.index] = { ...e.content_block, json: '' };
      if (e.type === 'content_block_delta') {
        const b = blocks[e.index], d = e.delta;
        if (d.type === 'text_delta') b.text += d.text;
        if (d.type === 'thinking_delta') b.thinking += d.thinking;
        if (d.type === 'input_json_delta') b.json += d.partial_json;
      }
      if (e.type === 'message_delta') count(e.usage);
    }
    for (const b of blocks.filter(Boolean)) {
      if (b.type === 'text') said.text += b.text;
      if (b.type === 'thinking') said.thought += b.thinking;
      if (b.type === 'tool_use') said.calls.push({ name: b.name, args: b.json !== '' ? args(b.json) : b.input });
      if (!ours.includes(b.type)) {
        const { json, ...block } = b;
        said.own.push(json !== '' ? { ...block, input: args(json) } : block);
      }
    }
    said.usage = [usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens, usage.output_tokens];
    return said;
  },
  gemini(chunks) {
    const said = nothing();
    for (const chunk of chunks) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (part.thought) said.thought += part.text ?? '';
        else said.text += part.text ?? '';
        const f = part.functionCall;
        if (!f) continue;
        // Arguments in pieces: each names its place, and strings go on until they do not.
        if (f.name) said.calls.push({ name: f.name, args: structuredClone(f.args ?? {}) });
        for (const piece of f.partialArgs ?? []) place(said.calls.at(-1).args, piece);
      }
      const u = chunk.usageMetadata;
      if (u) said.usage = [(u.promptTokenCount ?? 0) + (u.toolUsePromptTokenCount ?? 0), (u.candidatesTokenCount ?? 0) + (u.thoughtsTokenCount ?? 0)];
    }
    return said;
  },
  bedrock(events) {
    const said = nothing(), blocks = [];
    for (const e of events) {
      for (const b of e.output?.message?.content ?? [])
        blocks.push({ text: b.text ?? '', thought: b.reasoningContent?.reasoningText?.text ?? '', name: b.toolUse?.name, input: b.toolUse?.input });
      const start = e.contentBlockStart, delta = e.contentBlockDelta, u = e.metadata?.usage ?? e.usage;
      const block = (i) => (blocks[i] ??= { text: '', thought: '', json: '' });
      if (start?.start?.toolUse) block(start.contentBlockIndex).name = start.start.toolUse.name;
      if (delta) {
        const b = block(delta.contentBlockIndex);
        b.text += delta.delta.text ?? '';
        b.thought += delta.delta.reasoningContent?.text ?? '';
        b.json += delta.delta.toolUse?.input ?? '';
      }
      if (u) said.usage = [u.inputTokens + (u.cacheReadInputTokens ?? 0) + (u.cacheWriteInputTokens ?? 0), u.outputTokens];
    }
    for (const b of blocks.filter(Boolean)) {
      said.text += b.text;
      said.thought += b.thought;
      if (b.name) said.calls.push({ name: b.name, args: b.input ?? args(b.json) });
    }
    return said;
  },
};

readers.responses = (all) => {
  const said = nothing();
  // Of several answers, one behind the other, the first; of one whose deltas are an excerpt, what they say.
  const end = all.findIndex((e) => /^response\.(completed|incomplete|failed)$/.test(e.type)), events = end < 0 ? all : all.slice(0, end + 1);
  const r = events.at(-1).response ?? events.at(-1);
  const streamed = (type, item) => events.filter((e) => e.type === `response.${type}.delta` && e.item_id === item.id).map((e) => e.delta).join('');
  const items = r === events[0] ? r.output ?? [] : events.filter((e) => e.type === 'response.output_item.done').map((e) => e.item);
  for (const i of items) {
    if (i.type === 'message') said.text += streamed('output_text', i) || i.content.map((p) => p.text ?? '').join('');
    if (i.type === 'reasoning') said.thought += streamed('reasoning_summary_text', i) || (i.summary ?? []).map((p) => p.text).join('');
    if (i.type === 'function_call') said.calls.push({ name: i.name, args: args(i.arguments) });
  }
  if (r.usage) said.usage = [r.usage.input_tokens, r.usage.output_tokens];
  return said;
};

/** Put a piece of an argument where its path says ("$.a.b[0]"). */
function place(into, { jsonPath, stringValue, numberValue, boolValue, nullValue }) {
  const path = [...jsonPath.matchAll(/\.([^.[]+)|\['([^']+)'\]|\[(\d+)\]/g)].map((m) => m[1] ?? m[2] ?? Number(m[3]));
  const last = path.pop();
  const at = path.reduce((o, key, i) => (o[key] ??= typeof (path[i + 1] ?? last) === 'number' ? [] : {}), into);
  if (stringValue !== undefined) at[last] = (at[last] ?? '') + stringValue;
  else if (nullValue !== undefined) at[last] = null;
  else if (numberValue !== undefined || boolValue !== undefined) at[last] = numberValue ?? boolValue;
}

const recorded = Object.fromEntries(told.map((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const events = file.endsWith('.json') ? [JSON.parse(text)] : file.endsWith('.sse') ? parseEvents(text).events.map((e) => JSON.parse(e.data)) : lines(text);
  return [file, readers[kindOf(file)](events)];
}));

// ---- what a client is told: valid, in order, and what it comes to ----

const ok = (problem) => assert.equal(problem, undefined, problem);
const claudes = (type, value) => ok(wrongBy(`claude:${type}`, value));
const total = { objects: 0 };
const judge = (check, value) => {
  total.objects++;
  check(value);
};

const surfaces = {
  chat: {
    whole(text) {
      const r = JSON.parse(text);
      judge((v) => ok(wrongBy('chat:CreateChatCompletionResponse', v)), r);
      return this.said(r);
    },
    said(r) {
      assert.equal(r.choices.length, 1);
      const m = r.choices[0].message;
      return { text: m.content ?? '', thought: m.reasoning_content ?? '', usage: r.usage && [r.usage.prompt_tokens, r.usage.completion_tokens],
        calls: (m.tool_calls ?? []).map((c) => ({ name: c.function.name, args: args(c.function.arguments), id: c.id })) };
    },
    streamed(text) {
      const { events, unfinished } = parseEvents(text);
      assert.equal(unfinished, false);
      assert.equal(events.pop().data, '[DONE]');
      const chunks = events.map((e) => JSON.parse(e.data));
      const message = { content: '', reasoning_content: '', tool_calls: [] };
      let finish, usage, first = chunks[0];
      for (const [i, c] of chunks.entries()) {
        judge((v) => ok(wrongBy('chat:CreateChatCompletionStreamResponse', v)), c);
        assert.deepEqual([c.id, c.created, c.model], [first.id, first.created, first.model]);
        if (c.choices.length === 0) assert.ok(c.usage && i === chunks.length - 1, 'the usage has a chunk of its own, the last');
        if (c.usage) usage = c.usage;
        for (const { delta, finish_reason } of c.choices) {
          assert.equal(finish, undefined, 'nothing behind a finish reason');
          assert.equal(delta.role !== undefined, i === 0, 'the role comes first, and once');
          finish = finish_reason ?? undefined;
          message.content += delta.content ?? '';
          message.reasoning_content += delta.reasoning_content ?? '';
          for (const t of delta.tool_calls ?? []) {
            const at = message.tool_calls;
            if (t.id !== undefined) assert.ok(t.index === at.length && t.function.name, 'a call begins with all that names it');
            else assert.ok(t.index < at.length && t.function.name === undefined, 'and goes on without');
            at[t.index] ??= { id: t.id, function: { name: t.function.name, arguments: '' } };
            at[t.index].function.arguments += t.function.arguments ?? '';
          }
        }
      }
      assert.ok(finish);
      return this.said({ choices: [{ message }], usage });
    },
    error: (text, form) => ok(wrongBy('chat:ErrorResponse', form === 'whole' ? JSON.parse(text) : JSON.parse(parseEvents(text).events.at(-1).data))),
  },
  messages: {
    whole(text) {
      const r = JSON.parse(text);
      judge((v) => claudes('Message', { ...v, content: v.content.filter((b) => ours.includes(b.type)) }), r);
      return this.said(r);
    },
    said(r) {
      const u = r.usage, of = (type) => r.content.filter((b) => b.type === type);
      return { text: of('text').map((b) => b.text).join(''), thought: of('thinking').map((b) => b.thinking).join(''),
        usage: [u.input_tokens + (u.cache_creation_input_tokens ?? 0) + (u.cache_read_input_tokens ?? 0), u.output_tokens],
        own: r.content.filter((b) => !ours.includes(b.type)).map(({ json, ...b }) => b),
        calls: of('tool_use').map((b) => ({ name: b.name, args: b.input, id: b.id })) };
    },
    streamed(text) {
      const { events, unfinished } = parseEvents(text);
      assert.equal(unfinished, false);
      const all = events.map((e) => ({ ...JSON.parse(e.data), name: e.name })).filter((e) => e.type !== 'ping');
      let message, open, end = 0;
      for (const [i, e] of all.entries()) {
        if (e.type !== 'content_block_start' || ours.includes(e.content_block.type)) judge((v) => claudes('RawMessageStreamEvent', v), e);
        assert.equal(e.name, e.type);
        assert.equal(e.type === 'message_start', i === 0);
        assert.equal(e.type === 'message_stop', i === all.length - 1);
        if (e.type === 'message_start') message = structuredClone(e.message);
        if (e.type === 'content_block_start') {
          assert.equal(open, undefined, 'one block at a time');
          assert.equal(e.index, message.content.length);
          message.content.push(open = { ...e.content_block, json: '' });
        }
        if (e.type === 'content_block_delta') {
          assert.equal(message.content[e.index], open);
          const d = e.delta, kinds = { text_delta: 'text', thinking_delta: 'thinking', signature_delta: 'thinking', citations_delta: 'text' };
          if (d.type !== 'input_json_delta') assert.equal(open.type, kinds[d.type]);
          if (d.type === 'text_delta') open.text += d.text;
          if (d.type === 'thinking_delta') open.thinking += d.thinking;
          if (d.type === 'input_json_delta') open.json += d.partial_json;
        }
        if (e.type === 'content_block_stop') {
          assert.equal(message.content[e.index], open);
          if (open.json !== '') open.input = args(open.json);
          open = undefined;
        }
        if (e.type === 'message_delta') {
          assert.ok(e.delta.stop_reason && end++ === 0 && open === undefined);
          for (const [k, v] of Object.entries(e.usage)) if (v !== null) message.usage[k] = v;
        }
      }
      assert.equal(end, 1);
      return this.said(message);
    },
    error(text, form) {
      const e = form === 'whole' ? JSON.parse(text) : JSON.parse(parseEvents(text).events.at(-1).data);
      ok(wrongBy('claude-errors:ErrorResponse', { request_id: null, ...e }));
    },
  },
  responses: {
    whole(text) {
      const r = JSON.parse(text);
      judge((v) => ok(wrongBy('openai:Response', v) ?? wrongBy('open:ResponseResource', v)), r);
      return this.said(r);
    },
    said(r) {
      const of = (type) => r.output.filter((i) => i.type === type);
      return { text: of('message').flatMap((i) => i.content).map((p) => p.text ?? '').join(''),
        thought: of('reasoning').flatMap((i) => i.summary).map((p) => p.text).join(''),
        usage: r.usage && [r.usage.input_tokens, r.usage.output_tokens],
        calls: of('function_call').map((i) => ({ name: i.name, args: args(i.arguments), id: i.call_id })) };
    },
    streamed(text) {
      const { events, unfinished } = parseEvents(text);
      assert.equal(unfinished, false);
      const all = events.map((e) => ({ name: e.name, e: JSON.parse(e.data) })), items = [];
      for (const [i, { name, e }] of all.entries()) {
        judge((v) => ok(wrongEvent(v)), e);
        assert.equal(name, e.type);
        assert.equal(e.sequence_number, i);
        this.grow(items, e);
      }
      assert.deepEqual(all.slice(0, 2).map((x) => x.name), ['response.created', 'response.in_progress']);
      const last = all.at(-1).e;
      assert.match(last.type, /^response\.(completed|incomplete)$/);
      assert.deepEqual(last.response.output, items.map((i) => i.done), 'the end says again what was said');
      return this.said(last.response);
    },
    /* What deltas come to is what their end says, and nothing comes out of turn. */
    grow(items, e) {
      const item = items[e.output_index];
      const text = (kind, key) => {
        item[kind] ??= '';
        if (e.type.endsWith('.delta')) item[kind] += e.delta;
        else {
          assert.equal(item[kind], e[key]);
          delete item[kind];
        }
      };
      if (e.output_index !== undefined && e.type !== 'response.output_item.added') assert.ok(item && item.done === undefined, e.type);
      if (e.type === 'response.output_item.added') {
        assert.equal(e.output_index, items.length);
        items.push({ begun: e.item });
      } else if (e.type === 'response.output_item.done') {
        assert.equal(e.item.id, item.begun.id);
        item.done = e.item;
      } else if (/output_text/.test(e.type)) text('text', 'text');
      else if (/refusal/.test(e.type)) text('refusal', 'refusal');
      else if (/function_call_arguments/.test(e.type)) text('arguments', 'arguments');
      else if (/reasoning_summary_text/.test(e.type)) text('summary', 'text');
    },
    error(text, form) {
      if (form === 'whole') return ok(wrongBy('chat:ErrorResponse', JSON.parse(text)));
      const { events } = parseEvents(text);
      for (const e of events) ok(wrongEvent(JSON.parse(e.data)));
      assert.equal(events.at(-1).name, 'response.failed');
    },
  },
  gemini: {
    /* Its SDK's types require nothing; what is always there is seen to here. */
    one(r) {
      judge((v) => ok(wrongBy('google:GenerateContentResponse', v)), r);
      assert.ok(r.responseId && r.modelVersion === 'm');
      assert.equal(r.candidates.length, 1);
      const [{ index, content: { role, parts } }] = r.candidates;
      assert.deepEqual([index, role], [0, 'model']);
      for (const p of parts) {
        assert.equal(['text', 'functionCall', 'executableCode', 'codeExecutionResult', 'inlineData'].filter((k) => p[k] !== undefined).length, 1, JSON.stringify(p));
        if (p.functionCall) assert.ok(p.functionCall.id && p.functionCall.name && typeof p.functionCall.args === 'object');
        if (p.thoughtSignature?.startsWith('dragoman')) assert.fail('a mark in the open');
      }
    },
    whole(text) {
      const r = JSON.parse(text);
      this.one(r);
      assert.ok(r.candidates[0].finishReason);
      return this.said(r.candidates[0].content.parts, r.usageMetadata);
    },
    streamed(text) {
      const { events, unfinished } = parseEvents(text);
      assert.equal(unfinished, false);
      const all = events.map((e) => JSON.parse(e.data)), first = all[0];
      for (const [i, r] of all.entries()) {
        this.one(r);
        assert.equal(events[i].name, '', 'its events have no names');
        assert.deepEqual([r.responseId, r.modelVersion], [first.responseId, first.modelVersion]);
        assert.equal(r.candidates[0].finishReason !== undefined, i === all.length - 1, 'a finish reason, in the last event');
        assert.equal(r.candidates[0].content.parts.length, 1);
      }
      return this.said(all.flatMap((r) => r.candidates[0].content.parts), all.at(-1).usageMetadata);
    },
    said(parts, u) {
      const text = (thought) => parts.filter((p) => Boolean(p.thought) === thought).map((p) => p.text ?? '').join('');
      if (u) assert.equal(u.totalTokenCount, (u.promptTokenCount ?? 0) + (u.toolUsePromptTokenCount ?? 0) + (u.candidatesTokenCount ?? 0) + (u.thoughtsTokenCount ?? 0));
      return { text: text(false), thought: text(true), usage: u && [(u.promptTokenCount ?? 0) + (u.toolUsePromptTokenCount ?? 0), (u.candidatesTokenCount ?? 0) + (u.thoughtsTokenCount ?? 0)],
        calls: parts.filter((p) => p.functionCall).map(({ functionCall: f }) => ({ name: f.name, args: f.args, id: f.id })) };
    },
    error(text, form) {
      const { error } = form === 'whole' ? JSON.parse(text) : JSON.parse(parseEvents(text).events.at(-1).data);
      assert.ok(Number.isInteger(error.code) && error.code >= 400 && error.message);
      assert.match(error.status, /^[A-Z_]+$/);
    },
  },
};

// ---- the verdict ----

test('the descriptions can refuse', () => {
  assert.ok(wrongBy('chat:CreateChatCompletionStreamResponse', { id: 'x', choices: [{ delta: {} }] }));
  assert.ok(wrongBy('claude:Message', { id: 'x', type: 'message', role: 'assistant', content: [{ type: 'text' }] }));
  assert.ok(wrongBy('claude:RawMessageStreamEvent', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta' } }));
  assert.ok(wrongBy('claude-errors:ErrorResponse', { type: 'error' }));
  assert.ok(wrongBy('google:GenerateContentResponse', { candidates: [{ content: { parts: [{ text: 1 }] } }] }));
  assert.ok(wrongBy('google:GenerateContentResponse', { candidates: [{ finishReason: 'stop' }] }));
  assert.ok(wrongEvent({ type: 'response.created' }));
  assert.ok(wrongEvent({ type: 'response.unheard_of' }));
});

test('no recording is left out without a reason', () => {
  const rows = files.filter((file) => why(file));
  for (const [name] of untold) assert.ok(files.some((file) => name.test(file)), `nothing is called ${name}`);
  for (const name of Object.keys(failures)) assert.ok(told.some((file) => file.endsWith(`/${name}`)), `there is no ${name}`);
  assert.equal(outputs.length, told.length * 8);
  assert.equal(rows.length + told.length, files.length);
});

let valid = 0, failed = 0, own = 0;
for (const file of told)
  test(`R46 told as recorded: ${file.replace('tests/data/', '')}`, () => {
    const mine = outputs.filter((o) => o.file === file);
    assert.equal(mine.length, 8);
    for (const { surface, form, outcome, output } of mine) {
      const it = `${surface}, ${form}`, fails = failures[file.split('/').at(-1)];
      if (fails) {
        assert.match(outcome, /error|refusal/, it);
        surfaces[surface].error(output, form);
        failed++;
        continue;
      }
      assert.equal(outcome, 'told', `${it}: ${output.slice(-300)}`);
      const said = surfaces[surface][form](output), want = recorded[file];
      assert.equal(said.text, want.text, it);
      assert.equal(said.thought, want.thought, it);
      // Where an object has to stand, arguments that were cut stand in one.
      const inside = (a) => (typeof a === 'string' && (surface === 'gemini' || (surface === 'messages' && form === 'whole')) ? { INVALID_JSON: a } : a);
      assert.deepEqual(said.calls.map(({ name, args: a }) => ({ name, args: a })), want.calls.map((c) => ({ ...c, args: inside(c.args) })), it);
      assert.equal(new Set(said.calls.map((c) => c.id)).size, said.calls.length, it);
      if (surface === 'messages') assert.deepEqual(said.own, want.own, it);
      own += said.own?.length ?? 0;
      // Anthropic's API has no word for not knowing.
      assert.deepEqual(said.usage ?? undefined, want.usage ?? (surface === 'messages' ? [0, 0] : undefined), it);
      valid++;
    }
  });

test('and how many of them there are', () => {
  console.log(`${files.length} recordings: ${told.length} told 8 ways each make ${outputs.length} outputs with ${total.objects} JSON objects; ` +
    `${valid} valid and alike, ${failed} failures told as such (${Object.keys(failures).length} recordings), ${own} blocks are Anthropic's own and as they came; ` +
    `${files.length - told.length} recordings not told:`);
  for (const [name, reason] of untold) console.log(`  ${files.filter((file) => name.test(file)).length} ${reason}`);
  assert.equal(valid + failed, outputs.length);
});
