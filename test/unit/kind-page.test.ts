import { expect, test } from 'vitest';
import { kindPage, reasonsPage } from '../../hack/kind-page.ts';
import { reasons } from '../../src/engine/reasons.ts';
import { sampleKind } from '../support/sample-kind.ts';

const page = kindPage(sampleKind);

test.each([
  ['what it stands for', 'A server that stands nowhere.'],
  ['how to ask for it', 'kubectl get samples|smp'],
  ['a default', '| `policy` | string | `"Retain"` | one of `Retain`, `Delete` | What becomes of the server. |'],
  [
    'what is required, inside objects too',
    '| `tenantRef.name` | string | **required** | at most 63 characters | Name of the tenant. |',
  ],
  ['text that Markdown would eat', '| `cores` | integer |  | 1 to 128 | Cores, see &lt;name>\\|x. |'],
  ['bounds', '| `ratio` | number |  | more than 0, at most 1 | A share. |'],
  ['the key of a list', '| `ports` | list of object by `name` |  | at most 8 items | Ports. |'],
  ['a well-known format in words', '| `networks[].uuid` | string | **required** | a UUID | ID of the network. |'],
  ['fields of the status', '| `lastSyncTime` | string | When the server was last seen changed. |'],
  ['conditions of its own', '| `CFGWConnected` | The gateway is up. | `CFGWUp`, `CFGWDown` |'],
  ['columns', '| ID | `.status.externalID` | `-o wide` |'],
  ['a rule, by the field that the refusal names', '| `spec.imageRef` | imageRef cannot change once the server exists'],
  ['a rule of a field', '| `spec.ports` | a fast port needs a segmentationID |'],
])('a page says %s', (_, line) => {
  expect(page).toContain(line);
});

test('every table has as many cells in each row', () => {
  for (const table of `${page}\n${reasonsPage()}`.split('\n\n').filter((block) => block.startsWith('|'))) {
    const cells = table
      .trim()
      .split('\n')
      .map((row) => row.split(/(?<!\\)\|/).length);
    expect(new Set(cells).size, table).toBe(1);
  }
});

test('every reason is explained', () => {
  for (const reason of Object.keys(reasons)) {
    expect(reasonsPage()).toContain(`| \`${reason}\` |`);
  }
});
