import { expect, test } from 'vitest';
import { findCondition } from '../../src/engine/conditions.ts';
import { createToyWorld, toyServer } from '../support/toy-world.ts';

test('a tenant says that calls wait long for its budget, once, and that they no longer do', async () => {
  const { start, make, pass, term, getTenant, end } = await createToyWorld({ kind: toyServer });
  await start();
  await make('web');
  await pass(30);
  const says = async () => {
    const tenant = await getTenant();
    const { status, reason, message = '' } = findCondition(tenant!.status?.conditions, 'BudgetExhausted') ?? {};
    return [status, reason, message.includes('spec.limits'), tenant!.metadata.resourceVersion];
  };
  const before = await says();
  expect(before.slice(0, 3)).toEqual(['False', 'WithinBudget', false]);

  const { budget } = term().context.tenants.all()[0]!;
  const { tokens } = budget.figures();
  budget.setLimits({ rate: 0.05, burst: 1 });
  for (let call = 0; call < tokens + 3; call += 1) void budget.take('poll', { maxWait: 1e9 });
  await pass(15);
  const [status, reason, advice, version] = await says();
  expect([status, reason, advice]).toEqual(['True', 'CallsWait', true]);
  await pass(100);
  expect((await says())[3]).toBe(version);
  await pass(1_000);
  expect((await says()).slice(0, 2)).toEqual(['False', 'WithinBudget']);
  await end();
});
