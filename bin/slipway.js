#!/usr/bin/env node
// The command `slipway`. Plain JavaScript, so that an older Node than the one this project brings can say what is wrong.
const [major] = process.versions.node.split('.').map(Number);
if (major < 26) {
  console.error(
    `slipway needs Node.js 26, which "npm ci" installs beside it; this is ${process.version}. Run it as: npx slipway`,
  );
  process.exit(1);
}
await import('../src/main.ts');
