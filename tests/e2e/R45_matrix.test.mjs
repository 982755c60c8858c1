// R45: what becomes of each field of a request at a target of each dialect. The tables in docs/dialects.md
// are what is seen here; MATRIX=write writes them.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Gateway, Upstream, ask, completion, reply, root } from './harness.mjs';

const dialects = ['openai', 'anthropic', 'gemini', 'ollama'];
const DATA = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
const user = (content) => ({ messages: [{ role: 'user', content }] });
const fn = { type: 'function', function: { name: 'f', parameters: schema } };
const use = { name: 'f', input_schema: schema };

const fields = {
  chat: [
    ['system, developer messages', { messages: [{ role: 'system', content: 'a' }, { role: 'user', content: 'b' }, { role: 'developer', content: 'c' }, { role: 'user', content: 'd' }] }],
    ['image, data URL', user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${DATA}` } }])],
    ['image, URL', user([{ type: 'image_url', image_url: { url: 'https://images.example/a.png' } }])],
    ['image `detail`', user([{ type: 'image_url', image_url: { url: `data:image/png;base64,${DATA}`, detail: 'low' } }])],
    ['audio', user([{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }])],
    ['PDF, data', user([{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } }])],
    ['file by id', user([{ type: 'file', file: { file_id: 'file-1' } }])],
    ['message `name`', { messages: [{ role: 'user', name: 'ann', content: 'a' }] }],
    ['`tools`', { tools: [fn] }],
    ['tool `strict`', { tools: [{ ...fn, function: { ...fn.function, strict: true } }] }],
    ['`tool_choice` required', { tools: [fn], tool_choice: 'required' }],
    ['`tool_choice` by name', { tools: [fn], tool_choice: { type: 'function', function: { name: 'f' } } }],
    ['`parallel_tool_calls` false', { tools: [fn], parallel_tool_calls: false }],
    ['`functions`', { functions: [{ name: 'f', parameters: schema }] }],
    ['`max_tokens`, `max_completion_tokens`', { max_completion_tokens: 9 }],
    ['`temperature`', { temperature: 0.5 }],
    ['`temperature` above 1', { temperature: 1.5 }],
    ['`top_p`', { top_p: 0.5 }],
    ['`stop`', { stop: ['a', 'b'] }],
    ['`seed`', { seed: 7 }],
    ['`n` 2', { n: 2 }],
    ['`presence_penalty`, `frequency_penalty`', { presence_penalty: 1, frequency_penalty: 1 }],
    ['`logprobs`, `top_logprobs`', { logprobs: true, top_logprobs: 2 }],
    ['`logit_bias`', { logit_bias: { 5: 1 } }],
    ['`response_format` json_object', { response_format: { type: 'json_object' } }],
    ['`response_format` json_schema', { response_format: { type: 'json_schema', json_schema: { name: 'a', strict: true, schema } } }],
    ['`reasoning_effort`', { reasoning_effort: 'low' }],
    ['`user`', { user: 'u' }],
    ['`metadata`', { metadata: { a: 'b' } }],
    ['`service_tier`', { service_tier: 'flex' }],
    ['`store`', { store: true }],
    ['`prediction`', { prediction: { type: 'content', content: 'x' } }],
    ['any other member', { unheard_of: 1 }],
  ],
  messages: [
    ['`system`', { system: 'a' }],
    ['`cache_control`', { system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] }],
    ['image, base64', user([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: DATA } }])],
    ['image, URL', user([{ type: 'image', source: { type: 'url', url: 'https://images.example/a.png' } }])],
    ['PDF, base64', user([{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' } }])],
    ['document, text', user([{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' } }])],
    ['`tools`', { tools: [use] }],
    ['server tools', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['`tool_choice` any', { tools: [use], tool_choice: { type: 'any' } }],
    ['`tool_choice` by name', { tools: [use], tool_choice: { type: 'tool', name: 'f' } }],
    ['`disable_parallel_tool_use`', { tools: [use], tool_choice: { type: 'auto', disable_parallel_tool_use: true } }],
    ['tool result `is_error`', { tools: [use], messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { a: 'b' } }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'x', is_error: true }] }] }],
    ['tool result with an image', { tools: [use], messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { a: 'b' } }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: DATA } }] }] }] }],
    ['thinking sent back', { messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'c2ln' }, { type: 'text', text: 'b' }] }, { role: 'user', content: 'c' }] }],
    ['redacted thinking sent back', { messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: [{ type: 'redacted_thinking', data: 'c2ln' }, { type: 'text', text: 'b' }] }, { role: 'user', content: 'c' }] }],
    ['`thinking` enabled', { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 4096 }],
    ['`output_config` format', { output_config: { format: { type: 'json_schema', schema } } }],
    ['`output_config` effort', { output_config: { effort: 'low' } }],
    ['`temperature`', { temperature: 0.5 }],
    ['`top_p`', { top_p: 0.5 }],
    ['`top_k`', { top_k: 5 }],
    ['`stop_sequences`', { stop_sequences: ['a'] }],
    ['`metadata.user_id`', { metadata: { user_id: 'u' } }],
    ['`service_tier`', { service_tier: 'auto' }],
    ['`container`', { container: 'c' }],
    ['`mcp_servers`', { mcp_servers: [{ type: 'url', name: 'm', url: 'https://m.example' }] }],
    ['any other member', { unheard_of: 1 }],
  ],
};

const own = await Upstream.start((q, a) => {
  if (q.url.includes('/messages'))
    return reply(a, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'ok' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });
  if (q.url.includes(':generateContent'))
    return reply(a, 200, { candidates: [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 0 }, { content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 1 }] });
  if (q.url.endsWith('/api/chat'))
    return reply(a, 200, { model: 'm', message: { role: 'assistant', content: 'ok' }, done: true, done_reason: 'stop' });
  return reply(a, 200, completion('ok'));
});
const providers = Object.fromEntries(dialects.map((d) => [d, { dialect: d, base_url: own.url }]));
const gw = await Gateway.start({ providers });
const strict = await Gateway.start({ providers, translation: { strict: true } });
after(async () => {
  await gw.stop();
  await strict.stop();
  await own.stop();
});

const paths = { chat: '/v1/chat/completions', messages: '/v1/messages' };
const native = { chat: 'openai', messages: 'anthropic' };
const send = (to, client, d, more) =>
  ask(to.origin, 'POST', paths[client], { model: `${d}/m`, ...(client === 'messages' ? { max_tokens: 9 } : {}), messages: [{ role: 'user', content: 'x' }], ...more });

async function fate(client, d, more) {
  const r = await send(gw, client, d, more);
  const dropped = r.headers['x-dragoman-dropped-params'];
  const s = await send(strict, client, d, more);
  if (r.status === 400) return 'refused';
  assert.equal(r.status, 200, r.text);
  assert.equal(s.status, dropped ? 400 : 200, `strict: ${s.text}`);
  if (dropped) for (const name of dropped.split(', ')) assert.ok(s.text.includes(name), s.text);
  if (native[client] === d) assert.equal(dropped, undefined);
  return dropped ? `drops ${dropped.split(', ').map((n) => `\`${n}\``).join(', ')}` : native[client] === d ? 'as it came' : 'yes';
}

async function table(client) {
  const lines = [`| | ${dialects.join(' | ')} |`, `| --- |${' --- |'.repeat(dialects.length)}`];
  for (const [label, more] of fields[client]) {
    const cells = [];
    for (const d of dialects) cells.push(await fate(client, d, more));
    lines.push(`| ${label} | ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

for (const client of ['chat', 'messages'])
  test(`R45 docs/dialects.md says what becomes of each field of ${client}`, async () => {
    const file = join(root, 'docs/dialects.md');
    const page = readFileSync(file, 'utf8');
    const section = new RegExp(`(<!-- matrix: ${client} -->\n)[\\s\\S]*?(\n<!-- end -->)`);
    const seen = await table(client);
    assert.match(page, section);
    if (process.env.MATRIX === 'write') writeFileSync(file, page.replace(section, (_, a, b) => a + seen + b));
    else assert.equal(section.exec(page)[0], `<!-- matrix: ${client} -->\n${seen}\n<!-- end -->`);
  });
