// R45: what becomes of each field of a request at a target of each dialect. The tables in docs/dialects.md
// are what is seen here; MATRIX=write writes them.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Gateway, Upstream, ask, completion, reply, root } from './harness.mjs';

/* `responses` is OpenAI's dialect by way of `api: responses`. */
const dialects = ['openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'ollama'];
const DATA = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false };
const user = (content) => ({ messages: [{ role: 'user', content }] });
const fn = { type: 'function', function: { name: 'f', parameters: schema } };
const input = (content) => ({ input: [{ role: 'user', content }] });
const say = { type: 'function', name: 'f', parameters: schema, strict: false };
const called = (output) => [{ role: 'user', content: 'a' }, { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":"b"}' }, { type: 'function_call_output', call_id: 'c', output }];
const use = { name: 'f', input_schema: schema };
const parts = (...p) => ({ contents: [{ role: 'user', parts: p }] });
const declared = { functionDeclarations: [{ name: 'f', parametersJsonSchema: schema }] };
const choice = (c) => ({ tools: [declared], toolConfig: { functionCallingConfig: c } });
const config = (c) => ({ generationConfig: c });
const turn = (p, ...then) => ({ contents: [{ role: 'user', parts: [{ text: 'a' }] }, { role: 'model', parts: [p].flat() }, ...then, ...(then.length ? [] : [{ role: 'user', parts: [{ text: 'c' }] }])] });
const asked = { functionCall: { name: 'f', args: { a: 'b' } }, thoughtSignature: 'c2ln' };
const answered = (response, more = {}) => ({ role: 'user', parts: [{ functionResponse: { name: 'f', response, ...more } }] });
const sealed = (s) => Buffer.from(s).toString('base64');

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
    ['thinking of Gemini sent back', { messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 'dragoman.by.gemini:c2ln' }, { type: 'text', text: 'b' }] }, { role: 'user', content: 'c' }] }],
    ['any other member', { unheard_of: 1 }],
  ],
  responses: [
    ['`instructions`', { instructions: 'a' }],
    ['system, developer messages', { input: [{ role: 'system', content: 'a' }, { role: 'user', content: 'b' }, { role: 'developer', content: 'c' }, { role: 'user', content: 'd' }] }],
    ['image, data URL', input([{ type: 'input_image', image_url: `data:image/png;base64,${DATA}`, detail: 'auto' }])],
    ['image, URL', input([{ type: 'input_image', image_url: 'https://images.example/a.png', detail: 'auto' }])],
    ['image `detail`', input([{ type: 'input_image', image_url: `data:image/png;base64,${DATA}`, detail: 'low' }])],
    ['PDF, data', input([{ type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' }])],
    ['PDF, URL', input([{ type: 'input_file', file_url: 'https://files.example/a.pdf' }])],
    ['file by id', input([{ type: 'input_file', file_id: 'file-1' }])],
    ['`tools`', { tools: [say] }],
    ['tool `strict`', { tools: [{ ...say, strict: true }] }],
    ['tools that OpenAI runs', { tools: [{ type: 'web_search' }] }],
    ['`tool_choice` required', { tools: [say], tool_choice: 'required' }],
    ['`tool_choice` by name', { tools: [say], tool_choice: { type: 'function', name: 'f' } }],
    ['`tool_choice` allowed_tools', { tools: [say, { ...say, name: 'g' }], tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] } }],
    ['`parallel_tool_calls` false', { tools: [say], parallel_tool_calls: false }],
    ['calls and their outputs', { tools: [say], input: called('x') }],
    ['output with an image', { tools: [say], input: called([{ type: 'input_image', image_url: `data:image/png;base64,${DATA}`, detail: 'auto' }]) }],
    ['reasoning of Claude sent back', { input: [{ role: 'user', content: 'a' }, { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'dragoman.signature:dragoman.by.anthropic:c2ln' }, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }] }],
    ['reasoning of OpenAI\'s sent back', { input: [{ role: 'user', content: 'a' }, { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAAA' }, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }] }],
    ['`max_output_tokens`', { max_output_tokens: 99 }],
    ['`temperature`', { temperature: 0.5 }],
    ['`top_p`', { top_p: 0.5 }],
    ['`presence_penalty`, `frequency_penalty`', { presence_penalty: 1, frequency_penalty: 1 }],
    ['`top_logprobs`', { top_logprobs: 2 }],
    ['`text.format` json_schema', { text: { format: { type: 'json_schema', name: 'a', strict: true, schema } } }],
    ['`text.format` json_object', { text: { format: { type: 'json_object' } } }],
    ['`text.verbosity`', { text: { verbosity: 'low' } }],
    ['`reasoning.effort`', { reasoning: { effort: 'low' } }],
    ['`reasoning.summary`', { reasoning: { effort: 'low', summary: 'auto' } }],
    ['`user`', { user: 'u' }],
    ['`metadata`', { metadata: { a: 'b' } }],
    ['`service_tier`', { service_tier: 'flex' }],
    ['`max_tool_calls`', { tools: [say], max_tool_calls: 2 }],
    ['`prompt_cache_key`', { prompt_cache_key: 'k' }],
    ['`safety_identifier`', { safety_identifier: 's' }],
    ['`truncation` auto', { truncation: 'auto' }],
    ['`store` true', { store: true }],
    ['`include` of encrypted reasoning', { include: ['reasoning.encrypted_content'] }],
    ['`previous_response_id`', { previous_response_id: 'resp_1' }],
    ['`conversation`', { conversation: 'conv_1' }],
    ['`background`', { background: true }],
    ['`item_reference`', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['any other member', { unheard_of: 1 }],
  ],
  gemini: [
    ['`systemInstruction`', { systemInstruction: { parts: [{ text: 'a' }] } }],
    ['image, `inlineData`', parts({ inlineData: { mimeType: 'image/png', data: DATA } })],
    ['image, `fileData`', parts({ fileData: { mimeType: 'image/png', fileUri: 'https://images.example/a.png' } })],
    ['audio', parts({ inlineData: { mimeType: 'audio/wav', data: 'UklGRg==' } })],
    ['video', parts({ inlineData: { mimeType: 'video/mp4', data: 'AAAA' } })],
    ['PDF, `inlineData`', parts({ inlineData: { mimeType: 'application/pdf', data: 'JVBERg==' } })],
    ['PDF, `fileData`', parts({ fileData: { mimeType: 'application/pdf', fileUri: 'https://files.example/a.pdf' } })],
    ['file of Google\'s', parts({ fileData: { mimeType: 'application/pdf', fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x' } })],
    ['`videoMetadata`', parts({ text: 'a', videoMetadata: { fps: 1 } })],
    ['`functionDeclarations`', { tools: [declared] }],
    ['`parameters`, Gemini\'s schema', { tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } } }] }] }],
    ['`googleSearch`', { tools: [{ googleSearch: {} }] }],
    ['`codeExecution`', { tools: [{ codeExecution: {} }] }],
    ['`mode` ANY', choice({ mode: 'ANY' })],
    ['`mode` NONE', choice({ mode: 'NONE' })],
    ['`allowedFunctionNames`', choice({ mode: 'ANY', allowedFunctionNames: ['f'] })],
    ['calls and their responses', { tools: [declared], ...turn(asked, answered({ output: 'x' })) }],
    ['`functionResponse` with an `error`', { tools: [declared], ...turn(asked, answered({ error: 'x' })) }],
    ['`functionResponse` with an image', { tools: [declared], ...turn(asked, answered({ output: 'x' }, { parts: [{ inlineData: { mimeType: 'image/png', data: DATA } }] })) }],
    ['`executableCode` sent back', turn([{ executableCode: { language: 'PYTHON', code: '1' } }, { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } }])],
    ['thought sent back', turn([{ text: 'hm', thought: true, thoughtSignature: 'c2ln' }, { text: 'b' }])],
    ['text with a signature sent back', turn({ text: 'b', thoughtSignature: 'c2ln' })],
    ['thought of Claude sent back', turn([{ text: 'hm', thought: true, thoughtSignature: sealed('dragoman.by.anthropic:c2ln') }, { text: 'b' }])],
    ['redacted thought of Claude sent back', turn([{ text: '', thought: true, thoughtSignature: `redactedThinking${sealed('dragoman.by.anthropic:c2ln')}` }, { text: 'b' }])],
    ['`maxOutputTokens`', config({ maxOutputTokens: 99 })],
    ['`temperature`', config({ temperature: 0.5 })],
    ['`temperature` above 1', config({ temperature: 1.5 })],
    ['`topP`', config({ topP: 0.5 })],
    ['`topK`', config({ topK: 5 })],
    ['`seed`', config({ seed: 7 })],
    ['`candidateCount` 2', config({ candidateCount: 2 })],
    ['`stopSequences`', config({ stopSequences: ['a', 'b'] })],
    ['`presencePenalty`, `frequencyPenalty`', config({ presencePenalty: 1, frequencyPenalty: 1 })],
    ['`responseLogprobs`, `logprobs`', config({ responseLogprobs: true, logprobs: 2 })],
    ['`responseMimeType` JSON', config({ responseMimeType: 'application/json' })],
    ['`responseSchema`', config({ responseMimeType: 'application/json', responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } })],
    ['`responseJsonSchema`', config({ responseMimeType: 'application/json', responseJsonSchema: schema })],
    ['`text/x.enum`', config({ responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a'] } })],
    ['`thinkingBudget`', config({ thinkingConfig: { thinkingBudget: 1024 } })],
    ['`thinkingLevel`', config({ thinkingConfig: { thinkingLevel: 'LOW' } })],
    ['`includeThoughts`', config({ thinkingConfig: { thinkingBudget: 1024, includeThoughts: true } })],
    ['`speechConfig`', config({ speechConfig: { languageCode: 'en-US' } })],
    ['`responseModalities`', config({ responseModalities: ['IMAGE'] })],
    ['`mediaResolution`', config({ mediaResolution: 'MEDIA_RESOLUTION_LOW' })],
    ['`safetySettings`', { safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }] }],
    ['`labels`', { labels: { a: 'b' } }],
    ['`cachedContent`', { cachedContent: 'cachedContents/1' }],
    ['any other member', { unheardOf: 1 }],
  ],
};

const own = await Upstream.start((q, a) => {
  if (q.url.includes('/messages'))
    return reply(a, 200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [{ type: 'text', text: 'ok' }], stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } });
  if (q.url.includes(':generateContent'))
    return reply(a, 200, { candidates: [{ content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 0 }, { content: { role: 'model', parts: [{ text: 'ok' }] }, finishReason: 'STOP', index: 1 }] });
  if (q.url.includes('/converse'))
    return reply(a, 200, { output: { message: { role: 'assistant', content: [{ text: 'ok' }] } }, stopReason: 'end_turn', usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } });
  if (q.url.endsWith('/api/chat'))
    return reply(a, 200, { model: 'm', message: { role: 'assistant', content: 'ok' }, done: true, done_reason: 'stop' });
  if (q.url.endsWith('/responses'))
    return reply(a, 200, { id: 'resp_1', object: 'response', status: 'completed', model: 'm', output: [{ type: 'message', id: 'm', role: 'assistant', content: [{ type: 'output_text', text: 'ok', annotations: [] }] }], usage: { input_tokens: 1, output_tokens: 1 } });
  return reply(a, 200, completion('ok'));
});
const providers = Object.fromEntries(dialects.map((d) => [d, { base_url: own.url, ...(d === 'responses' ? { dialect: 'openai', api: d } : { dialect: d }), ...(d === 'bedrock' ? { region: 'us-east-1', key: 'k' } : {}) }]));
const gw = await Gateway.start({ providers });
const strict = await Gateway.start({ providers, translation: { strict: true } });
after(async () => {
  await gw.stop();
  await strict.stop();
  await own.stop();
});

const paths = { chat: '/v1/chat/completions', messages: '/v1/messages', responses: '/v1/responses' };
const least = {
  chat: { messages: [{ role: 'user', content: 'x' }] },
  messages: { max_tokens: 9, messages: [{ role: 'user', content: 'x' }] },
  responses: { input: 'x' },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'x' }] }] },
};
/* What a model takes depends on whose it is there. */
const model = (d) => (d === 'bedrock' ? 'bedrock/anthropic.claude-sonnet-4-5' : `${d}/m`);
const native = { chat: 'openai', messages: 'anthropic', responses: 'responses', gemini: 'gemini' };
const send = (to, client, d, more) =>
  client === 'gemini' ? ask(to.origin, 'POST', `/v1beta/models/${model(d)}:generateContent`, { ...least.gemini, ...more })
    : ask(to.origin, 'POST', paths[client], { model: model(d), ...least[client], ...more });
/* A mark of another maker's, as it stands in a body. */
const marked = (more) => /dragoman\.by\.|ZHJhZ29tYW4u/.test(JSON.stringify(more));

async function fate(client, d, more) {
  const r = await send(gw, client, d, more);
  const dropped = r.headers['x-dragoman-dropped-params'];
  const s = await send(strict, client, d, more);
  if (r.status === 400) return 'refused';
  assert.equal(r.status, 200, r.text);
  assert.equal(s.status, dropped ? 400 : 200, `strict: ${s.text}`);
  if (dropped) for (const name of dropped.split(', ')) assert.ok(s.text.includes(name), s.text);
  if (native[client] === d && !marked(more)) assert.equal(dropped, undefined);
  return dropped ? `drops ${dropped.split(', ').map((n) => `\`${n}\``).join(', ')}` : native[client] === d ? 'as it came' : 'yes';
}

const seen = { mapped: 0, passed: 0, named: 0, refused: 0 };
const count = (cell) => seen[{ yes: 'mapped', 'as it came': 'passed', refused: 'refused' }[cell] ?? 'named']++;

async function table(client) {
  const lines = [`| | ${dialects.join(' | ')} |`, `| --- |${' --- |'.repeat(dialects.length)}`];
  for (const [label, more] of fields[client]) {
    const cells = [];
    for (const d of dialects) cells.push(await fate(client, d, more));
    cells.forEach(count);
    lines.push(`| ${label} | ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/** The page says it, or MATRIX=write lets it. */
function says(name, text) {
  const file = join(root, 'docs/dialects.md');
  const page = readFileSync(file, 'utf8');
  const section = new RegExp(`(<!-- matrix: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
  assert.match(page, section);
  if (process.env.MATRIX === 'write') writeFileSync(file, page.replace(section, (_, a, b) => `${a}${text}\n${b}`));
  else assert.equal(section.exec(page)[0], `<!-- matrix: ${name} -->\n${text}\n<!-- end -->`);
}

for (const client of Object.keys(fields))
  test(`R45 docs/dialects.md says what becomes of each field of ${client}`, async () => says(client, await table(client)));

test('R45 and how many of them there are', () => {
  const surfaces = Object.keys(fields).length, rows = Object.values(fields).flat().length;
  const line = `${rows} fields of ${surfaces} surfaces at ${dialects.length} dialects are ${rows * dialects.length} cases, all of which are tried, and tried once ` +
    `more with \`strict\`: ${seen.passed} pass as they came, ${seen.mapped} are mapped, ${seen.named} left out and named, ${seen.refused} refused.`;
  console.log(line);
  assert.equal(seen.passed + seen.mapped + seen.named + seen.refused, rows * dialects.length);
  says('counts', line);
});
