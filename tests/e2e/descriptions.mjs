// What others say an answer looks like: OpenAI's description of its APIs, Open Responses', and the types of Anthropic's
// official SDK. For each: what is wrong with a value by it, or undefined.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { here, root } from './harness.mjs';

/** As published they refuse `usage: null`, which OpenAI itself sends: every optional property may be null. */
function relax(node) {
  if (Array.isArray(node)) return node.map(relax);
  if (node === null || typeof node !== 'object') return node;
  const out = Object.fromEntries(Object.entries(node).filter(([k]) => !['discriminator', '$recursiveAnchor'].includes(k)).map(([k, v]) => [k, relax(v)]));
  if (out.nullable && out.type) out.type = [out.type, 'null'];
  if (out.nullable && out.enum) out.enum = [...out.enum, null];
  delete out.nullable;
  if (out.properties)
    for (const [k, v] of Object.entries(out.properties))
      if (!out.required?.includes(k)) out.properties[k] = { anyOf: [v, { type: 'null' }] };
  return out;
}

const ajv = new Ajv({ strict: false, allErrors: false, validateFormats: false });
for (const [$id, file] of [['chat', 'openai/schemas.json'], ['openai', 'openai/responses.json'], ['open', 'open_responses/schemas.json']])
  ajv.addSchema({ $id, ...relax(JSON.parse(readFileSync(join(root, 'tests/data', file), 'utf8'))) });

/* The types of an SDK are taken as they are: what they require is there, null only where they say so. But for `citations`
 * of a text: Anthropic leaves it out where there are none (see the recordings), and the AI SDK would not take the null. */
export async function addTypes($id, file, types) {
  const { createGenerator } = await import('ts-json-schema-generator'); // it takes a while
  const generator = createGenerator({ path: join(here, 'node_modules', file), type: '*', skipTypeCheck: true, additionalProperties: true, expose: 'all', jsDoc: 'none' });
  const $defs = Object.assign({}, ...types.map((type) => generator.createSchema(type).definitions));
  for (const type of Object.values($defs)) if (type.required) type.required = type.required.filter((k) => k !== 'citations');
  ajv.addSchema(JSON.parse(JSON.stringify({ $id, $defs }).replaceAll('#/definitions/', '#/$defs/')));
}

export function wrongBy(name, value) {
  const check = ajv.getSchema(name.replace(':', '#/$defs/'));
  if (check === undefined) throw new Error(`nobody describes ${name}`);
  return check(value) ? undefined : `${name}: ${ajv.errorsText(check.errors)}: ${JSON.stringify(value).slice(0, 600)}`;
}

export function assertValid(name, value) {
  const problem = wrongBy(name, value);
  assert.equal(problem, undefined, problem);
}

/* ---- events of the Responses API ---- */

const schemas = {
  'response.created': 'Created', 'response.in_progress': 'InProgress', 'response.completed': 'Completed', 'response.incomplete': 'Incomplete',
  'response.failed': 'Failed', 'response.output_item.added': 'OutputItemAdded', 'response.output_item.done': 'OutputItemDone',
  'response.content_part.added': 'ContentPartAdded', 'response.content_part.done': 'ContentPartDone',
  'response.output_text.delta': ['TextDelta', 'OutputTextDelta'], 'response.output_text.done': ['TextDone', 'OutputTextDone'],
  'response.refusal.delta': 'RefusalDelta', 'response.refusal.done': 'RefusalDone',
  'response.function_call_arguments.delta': 'FunctionCallArgumentsDelta', 'response.function_call_arguments.done': 'FunctionCallArgumentsDone',
  'response.reasoning_summary_part.added': 'ReasoningSummaryPartAdded', 'response.reasoning_summary_part.done': 'ReasoningSummaryPartDone',
  'response.reasoning_summary_text.delta': ['ReasoningSummaryTextDelta', 'ReasoningSummaryDelta'],
  'response.reasoning_summary_text.done': ['ReasoningSummaryTextDone', 'ReasoningSummaryDone'],
};

/** By both descriptions. */
export function wrongEvent(e) {
  if (e.type !== 'error' && schemas[e.type] === undefined) return `an event that nobody knows: ${e.type}`;
  const [ours, theirs] = e.type === 'error' ? ['ResponseError', 'Error'] : [schemas[e.type]].flat().map((n) => `Response${n}`);
  return wrongBy(`openai:${ours}Event`, e) ?? wrongBy(`open:${theirs ?? ours}StreamingEvent`, e);
}

export function assertEvent(e) {
  const problem = wrongEvent(e);
  assert.equal(problem, undefined, problem);
}
