import { expect, test } from 'vitest';
import { createWitnesses } from '../../src/engine/witness.ts';
import { createManualClock } from '../support/clock.ts';

const interval = 60_000;

function bench() {
  const clock = createManualClock();
  clock.advance(1_000_000);
  const witnesses = createWitnesses(clock, interval);
  const look = () => witnesses.missing('a', clock.monotonic());
  return { clock, witnesses, look };
}

test('one look proves nothing, nor do many within the interval', () => {
  const { clock, look } = bench();
  expect(look()).toBe(false);
  clock.advance(interval - 1);
  expect(look()).toBe(false);
  expect(look()).toBe(false);
});

test('a second look after the interval proves it', () => {
  const { clock, look } = bench();
  look();
  clock.advance(interval);
  expect(look()).toBe(true);
});

test('a list that was begun before the interval had passed proves nothing, however late it is looked at', () => {
  const { clock, witnesses, look } = bench();
  look();
  const begunAt = clock.monotonic() + interval - 1;
  clock.advance(10 * interval);
  expect(witnesses.missing('a', begunAt)).toBe(false);
});

test('to be seen once in between starts it all over', () => {
  const { clock, witnesses, look } = bench();
  look();
  clock.advance(interval);
  witnesses.seen('a');
  expect(look()).toBe(false);
  clock.advance(interval);
  expect(look()).toBe(true);
});

test('one object says nothing about another', () => {
  const { clock, witnesses, look } = bench();
  look();
  clock.advance(interval);
  expect(witnesses.missing('b', clock.monotonic())).toBe(false);
  witnesses.seen('b');
  expect(look()).toBe(true);
});
