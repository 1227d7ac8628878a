import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { violations } from '../../hack/imports.ts';

const src = mkdtempSync(join(tmpdir(), 'freehold-imports-'));
afterEach(() => rmSync(src, { recursive: true }));

function plant(file: string, text: string): string[] {
  mkdirSync(join(src, dirname(file)), { recursive: true });
  writeFileSync(join(src, file), text);
  return violations(src);
}

test.each([
  ['engine/x.ts', "import { a } from '../kube/types.ts';"],
  ['sdpf/kinds/x.ts', "import type { A } from '../../engine/kind.ts';"],
  ['sdpf/kinds/x.ts', "import { wire } from '../wire.ts';"],
  ['sandbox/sdpf/x.ts', "import { world } from '../world.ts';\nexport * from '../../base/clock.ts';"],
  ['operator.ts', "import { a } from './cloudos/a.ts';\nimport { b } from './config.ts';"],
  ['main.ts', "const { serve } = await import('./sandbox/serve.ts');"],
  ['base/x.ts', "import { join } from 'node:path';"],
])('an import that points down is fine: %s %s', (file, text) => {
  expect(plant(file, text)).toEqual([]);
});

test.each([
  ['base/x.ts', "import { log } from '../telemetry/log.ts';"],
  ['telemetry/x.ts', "import type { KubeObject } from '../kube/types.ts';"],
  ['kube/x.ts', "import { call } from '../remote/call.ts';"],
  ['remote/deep/x.ts', "import { kind } from '../../engine/kind.ts';"],
  ['engine/x.ts', "export { server } from '../sdpf/server.ts';"],
  ['engine/x.ts', "type A = import('../cloudos/a.ts').A;"],
  ['sdpf/x.ts', "import {\n  a,\n} from '../cloudos/a.ts';"],
  ['cloudos/x.ts', "import { run } from '../operator.ts';"],
  ['sandbox/sdpf/x.ts', "import { wire } from '../../sdpf/wire.ts';"],
  ['sdpf/x.ts', "import { world } from '../sandbox/world.ts';"],
  ['operator.ts', "import { world } from './sandbox/world.ts';"],
  ['base/x.ts', "import { clock } from '../../test/support/clock.ts';"],
  ['attic/x.ts', "import '../base/clock.ts';"],
])('an import that points up or sideways is named: %s %s', (file, text) => {
  const found = plant(file, `// first line\n${text}`);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(new RegExp(`/${file}:\\d imports \\.`));
});
