import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chosenID,
  isMarked,
  markedDescription,
  markerOf,
  type Owner,
  ownerText,
  readMarker,
  readMarkers,
  withoutMarker,
} from '../../src/engine/owner.ts';

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
const anOwner: fc.Arbitrary<Owner> = fc.record({ ownerID: label, namespace: label, name: label });
const words = fc.string({ maxLength: 180, unit: 'grapheme' });
const same = (a: Owner, b: Owner) => ownerText(a) === ownerText(b);
const us: Owner = { ownerID: 'prod', namespace: 'shop', name: 'web' };
const ours = markerOf(us);

describe('the owner marker', () => {
  test('is what the design says, and stays so: markers of years ago must be read', () => {
    expect(ours).toMatch(/^\[fh1:[a-z2-7]{26}:[a-z2-7]{4}\]$/);
    expect(ours).toMatchInlineSnapshot(`"[fh1:mo5wi7tw3sotyyxjgkmoqpmp2j:2txp]"`);
  });

  test('is read back by its owner, before any words', () => {
    fc.assert(
      fc.property(anOwner, words, (owner, text) => {
        const description = markedDescription(owner, text);
        expect(readMarker(description, owner)).toEqual({ mark: 'ours' });
        expect(isMarked(description)).toBe(true);
      }),
    );
  });

  test('leaves the words as they were', () => {
    fc.assert(
      fc.property(anOwner, fc.option(words, { nil: undefined }), (owner, text) => {
        expect(withoutMarker(markedDescription(owner, text))).toBe(text ?? '');
      }),
    );
  });

  test('of somebody else is never ours, and take-over can name it', () => {
    fc.assert(
      fc.property(anOwner, anOwner, words, (owner, other, text) => {
        fc.pre(!same(owner, other));
        expect(readMarker(markedDescription(other, text), owner)).toEqual({ mark: 'other', marker: markerOf(other) });
      }),
    );
  });

  test('that was cut is never a stranger, nor no marker at all', () => {
    for (let length = 1; length < ours.length; length += 1) {
      expect([length, readMarker(ours.slice(0, length), us).mark]).toEqual([length, 'damaged']);
    }
  });

  test('in which a few characters were changed is never a stranger, nor no marker at all', () => {
    const position = fc.integer({ min: 5, max: ours.length - 1 });
    const changes = fc.uniqueArray(fc.tuple(position, fc.string({ minLength: 1, maxLength: 1 })), {
      minLength: 1,
      maxLength: 5,
      selector: ([at]) => at,
    });
    fc.assert(
      fc.property(changes, words, (changes, text) => {
        const characters = ours.split('');
        for (const [at, character] of changes) characters[at] = character;
        const damaged = characters.join('');
        const { mark } = readMarker(`${damaged} ${text}`, us);
        expect(['ours', 'damaged']).toContain(mark);
        if (!damaged.startsWith(ours)) expect(mark).toBe('damaged');
      }),
    );
  });

  test.each<[string, string]>([
    ['in capitals', ours.toUpperCase()],
    ['in capitals and cut', ours.toUpperCase().slice(0, 30)],
    ['without its bracket', ours.slice(1)],
    ['behind other words', `imported: ${ours}`],
    ['in quotes', `"${ours}"`],
    ['without its check', ours.replace(/:....\]$/, ']')],
    ['with a wrong check', ours.replace(/....\]$/, 'aaaa]')],
  ])('of ours %s asks a person', (_how, text) => {
    expect(readMarker(text, us).mark).toBe('damaged');
  });

  test.each([null, undefined, '', ' ', 'a server', 'fh', 'fh1', 'see [fh1:…] in the docs', '[prod] web'])(
    '%j carries none',
    (text) => {
      expect(readMarker(text, us)).toEqual({ mark: 'none' });
      expect(isMarked(text)).toBe(false);
    },
  );

  test('of somebody else that is broken beyond doubt can be named by take-over, whose value is trimmed', () => {
    fc.assert(
      fc.property(anOwner, words, (other, text) => {
        fc.pre(!same(us, other));
        const broken = `${markerOf(other).slice(0, 32)}aaaa] ${text}`;
        const marking = readMarker(broken, us);
        if (marking.mark !== 'other') return;
        expect(marking.marker).toBe(marking.marker.trim());
        expect(marking.marker.startsWith('[fh1:')).toBe(true);
      }),
    );
  });

  test('is read from anything without an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), anOwner, (text, owner) => {
        expect(['none', 'damaged', 'other']).toContain(readMarker(text, owner).mark);
        expect(readMarker(`[fh1:${text}`, owner).mark).not.toBe('ours');
        expect(withoutMarker(text).length).toBeLessThanOrEqual(text.length);
      }),
    );
  });

  test('after leading white space still counts', () => {
    expect(readMarker(`  ${ours} web`, us)).toEqual({ mark: 'ours' });
    expect(isMarked(`\n${ours}`)).toBe(true);
  });
});

describe('the ID that we choose', () => {
  test('is stable for ever: nodes of years ago must be found', () => {
    expect([chosenID(us), chosenID(us, 'port', '0')]).toMatchInlineSnapshot(`
      [
        "37947e41-c4bc-55a0-bc96-f770669d330e",
        "7cd90225-d13f-51e9-b7bd-19cc1b32f1c1",
      ]
    `);
  });

  test('is a UUID of version 5, the same for the same owner, part and instance, and another for any other', () => {
    const who = fc.tuple(anOwner, fc.constantFrom('', 'port', 'portgroup'), fc.constantFrom('', '0', '1', 'aa:bb'));
    fc.assert(
      fc.property(who, who, ([a, part, instance], [b, otherPart, otherInstance]) => {
        const id = chosenID(a, part, instance);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        const equal = same(a, b) && part === otherPart && instance === otherInstance;
        expect(id === chosenID({ ...b }, otherPart, otherInstance)).toBe(equal);
      }),
    );
  });
});

describe('the markers of a whole list', () => {
  test('say of each what each would say alone', () => {
    const owners = fc.constantFrom(us, { ...us, name: 'db' }, { ...us, ownerID: 'old' });
    const intact = fc.tuple(owners, words).map(([owner, text]) => markedDescription(owner, text));
    const cut = fc.tuple(intact, fc.nat({ max: 45 })).map(([text, length]) => text.slice(0, length));
    const altered = fc
      .tuple(intact, fc.nat({ max: 40 }), fc.constantFrom('a', '7', 'X', ' '))
      .map(([text, at, letter]) => text.slice(0, at) + letter + text.slice(at + 1));
    const behind = intact.map((text) => `words ${text}`);
    const description = fc.oneof(intact, cut, altered, behind, words, fc.constantFrom(undefined, null, ''));
    fc.assert(
      fc.property(fc.array(description, { maxLength: 12 }), owners, (descriptions, owner) => {
        const listed = descriptions.map((text, index) => [`id-${index}`, text] as const);
        const marks = listed.map(([id, text]) => ({ id, ...readMarker(text, owner) }));
        const { ours: known, others } = readMarkers(listed).of(owner);
        expect(known).toEqual(marks.filter(({ mark }) => mark === 'ours').map(({ id }) => id));
        expect(others).toEqual(
          marks.filter(({ mark }) => mark === 'none' || mark === 'damaged').map(({ id, mark }) => ({ id, mark })),
        );
      }),
    );
  });
});
