// R56, R50: a configuration that is not understood is refused with file, line and column, and the
// program does not start with it.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Child, Gateway, Upstream, ask, program, root, temporaryFolder, writeConfig } from './harness.mjs';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

async function run(args, options) {
  const c = new Child(args[0], program, args, options);
  const { code } = await c.ends();
  return { code, stdout: c.stdout, stderr: c.stderr };
}

const good = `listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  local: { base_url: http://127.0.0.1:9/v1 }
models:
  chat: { targets: [ local/m ] }
`;

/*  what                         text                                                      line, what is said */
for (const [name, text, line, says] of [
  ['an unknown key',             good + 'colour: blue\n',                                  7, /colour/],
  ['a misspelt key',             good.replace('targets', 'target'),                        6, /`target`.*`targets`/],
  ['an unknown key within',      good.replace('base_url', 'base_uri'),                     4, /base_uri/],
  ['a wrong type',               good + 'threads: many\n',                                 7, /threads/],
  ['a duration without a unit',  good + 'timeouts:\n  idle: 30\n',                         8, /idle/],
  ['an unresolved variable',     good + 'keys:\n  - { name: a, key: "${NO_SUCH_VARIABLE}" }\n', 8, /NO_SUCH_VARIABLE/],
  ['a dangling provider',        good.replace('local/m', 'nobody/m'),                      6, /nobody/],
  ['a dangling fallback',        good.replace('[ local/m ]', '[ local/m ], fallbacks: [ big ]'), 6, /big/],
  ['a circle of fallbacks',      good.replace('[ local/m ]', '[ local/m ], fallbacks: [ chat ]'), 6, /chat/],
  ['weights that are all 0',     good.replace('local/m', '{ provider: local, model: m, weight: 0 }'), 6, /weight/],
  ['a key twice',                good + 'listen: 127.0.0.1:1\n',                           7, /listen/],
  ['an address that is none',    good.replace('127.0.0.1:0', 'nowhere'),                   1, /listen|address/],
  ['a URL that is none',         good.replace('http://127.0.0.1:9/v1', 'ftp://x'),         4, /base_url|http/],
  ['an admin port for everybody', good.replace('admin: { listen: 127.0.0.1:0 }', 'admin: { listen: 0.0.0.0:0 }'), 2, /token/],
  ['a client key too short',     good + 'keys: [ { name: a, key: abc } ]\n',               7, /key/],
  ['two keys alike',             good + 'keys: [ { name: a, key: "12345678" }, { name: b, key: "12345678" } ]\n', 7, /key/],
  ['half of a TLS pair',         good + 'tls: { cert: /nowhere.pem }\n',                   7, /key/],
  ['no YAML',                    good + 'limits: {\n',                                     7, /./],
  ['a tab',                      good + '\tthreads: 1\n',                                  7, /./],
]) {
  test(`R56 ${name} is refused where it stands`, async () => {
    const file = join(temporaryFolder(), 'dragoman.yaml');
    writeFileSync(file, text);
    for (const command of ['check', 'serve']) {
      const r = await run([command, '-c', file]);
      assert.equal(r.code, 1, `${command}: ${r.stderr}`);
      const told = [...r.stderr.matchAll(new RegExp(`^${file}:(\\d+):(\\d+): (.+)$`, 'gm'))];
      const m = told.find((x) => says.test(x[3]));
      assert.ok(m, `${command}: ${r.stderr}`);
      assert.ok(Math.abs(Number(m[1]) - line) <= (name === 'no YAML' ? 2 : 0), `line ${m[1]}, not ${line}: ${m[0]}`);
      assert.ok(Number(m[2]) >= 1);
    }
  });
}

test('R56 everything that is wrong is told at once', async () => {
  const file = join(temporaryFolder(), 'dragoman.yaml');
  writeFileSync(file, good + 'colour: blue\nthreads: many\n');
  const r = await run(['check', '-c', file]);
  assert.equal(r.stderr.trim().split('\n').length, 2, r.stderr);
});

test('R56 what is right is said to be right', async () => {
  const file = join(temporaryFolder(), 'dragoman.yaml');
  writeFileSync(file, good);
  const r = await run(['check', '-c', file]);
  assert.equal(r.code, 0, r.stderr);
  assert.match(r.stdout, /ok/);
});

test('R56 a file that is not there is named', async () => {
  for (const command of ['check', 'serve']) {
    const r = await run([command, '-c', '/nowhere/dragoman.yaml']);
    assert.equal(r.code, 1);
    assert.match(r.stderr, /\/nowhere\/dragoman\.yaml/);
  }
});

test('R56 docs/configuration.md is what the program prints, and names every key it takes', async () => {
  const printed = execFileSync(program, ['manual', 'configuration'], { encoding: 'utf8' });
  assert.equal(readFileSync(join(root, 'docs/configuration.md'), 'utf8'), printed);
});

test('R56 variables are put in, with their defaults', async () => {
  const g = await Gateway.start(good.replace('local/m', '"local/${MODEL}-${SIZE:-small}"'), { env: { MODEL: 'qwen' } });
  try {
    const { data } = (await ask(g.origin, 'GET', '/v1/models')).json;
    assert.deepEqual(data.map((m) => m.id), ['chat', 'local/qwen-small']);
  } finally {
    await g.stop();
  }
});

test('R56 the effective configuration is on the admin port, complete and masked', async () => {
  const g = await Gateway.start({ providers: { p: { base_url: 'http://127.0.0.1:9/v1', keys: ['sk-very-secret-and-long-0123456789'] } } });
  try {
    const r = await ask(g.admin, 'GET', '/admin/config');
    assert.equal(r.status, 200);
    assert.ok(!r.text.includes('very-secret'));
    assert.match(r.text, /attempts: 5/);
    assert.match(r.text, /initial: 50ms/);
    assert.match(r.text, /body_bytes: 64MiB/);
  } finally {
    await g.stop();
  }
});

test('R56 an unusable command line is told and ends with 2', async () => {
  for (const args of [['serve', '--port', '1'], ['nonsense'], ['check', '-c'], ['sim', '--nonsense']]) {
    const r = await run(args);
    assert.notEqual(r.code, 0, args.join(' '));
    assert.ok(r.stderr.length > 0);
  }
  assert.equal((await run(['version'])).code, 0);
  assert.equal((await run(['--help'])).code, 0);
});

test('R56 a port that is taken is named, and the start fails', async () => {
  const other = await Upstream.tcp(() => {});
  try {
    for (const text of [good.replace('127.0.0.1:0', `127.0.0.1:${other.port}`), good.replace('{ listen: 127.0.0.1:0', `{ listen: 127.0.0.1:${other.port}`)]) {
      const r = await run(['serve', '-c', writeConfig(text)]);
      assert.equal(r.code, 1, r.stderr);
      assert.match(r.stderr, new RegExp(`127\\.0\\.0\\.1:${other.port}`));
    }
  } finally {
    await other.stop();
  }
});
