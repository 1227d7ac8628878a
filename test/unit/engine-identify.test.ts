import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identify, marked as madeForUs, type Question, refusal } from '../../src/engine/identify.ts';
import type { RemoteObject } from '../../src/engine/kind.ts';
import { chosenID, markedDescription, markerOf, type Owner, ownerText } from '../../src/engine/owner.ts';

interface Thing {
  id: string;
  name: string;
  description?: string | undefined;
  owner?: string | undefined;
}

const us: Owner = { ownerID: 'prod', namespace: 'shop', name: 'web' };
const rebuilt: Owner = { ...us, ownerID: 'old' };
const neighbour: Owner = { ...us, name: 'db' };

const calls = {
  noun: 'server',
  collection: 'servers',
  read: () => Promise.reject(new Error('not asked')),
  create: () => Promise.reject(new Error('not asked')),
  remove: () => Promise.reject(new Error('not asked')),
};
/** As the engine sees a kind's object. */
const untyped = (object: RemoteObject<never, Thing, never>) => object as RemoteObject<never, unknown, never>;

const byMarker = untyped({
  ...calls,
  identity: { level: 'marker', marker: ({ description }) => description, owner: ({ owner }) => owner },
});
const byID = untyped({
  ...calls,
  identity: { level: 'chosen-id', owner: ({ owner }) => owner },
});

function question(object: Question['object'], things: Thing[], more: Partial<Question> = {}): Question {
  return {
    owner: us,
    object,
    recorded: undefined,
    wished: undefined,
    takeOver: undefined,
    snapshot: { items: new Map(things.map((thing) => [thing.id, thing])), unreadable: new Set(), begunAt: 0, count: 1 },
    ...more,
  };
}

const marked = (id: string, owner: Owner, name = 'web'): Thing => ({
  id,
  name,
  description: markedDescription(owner, 'a server'),
  owner: ownerText(owner),
});
const plain = (id: string): Thing => ({ id, name: 'web' });

describe('an object with our marker', () => {
  test.each<[string, Thing[], unknown]>([
    ['is ours', [plain('1'), marked('2', us), marked('3', neighbour)], { which: 'known', id: '2', how: 'marker' }],
    [
      'is ours also where only the marker stuck',
      [{ ...marked('2', us), owner: undefined }],
      { which: 'known', id: '2' },
    ],
    ['is ours whatever it is called', [marked('2', us, 'renamed')], { which: 'known', id: '2' }],
    ['is a question when there are two', [marked('1', us), marked('2', us)], { which: 'candidates', ids: ['1', '2'] }],
    [
      'is a question when the marker is cut',
      [{ ...plain('1'), description: markerOf(us).slice(0, 20) }],
      { which: 'candidates', ids: ['1'] },
    ],
    [
      'is a question when only the weaker mark is left',
      [{ ...plain('1'), owner: ownerText(us) }],
      { which: 'candidates', ids: ['1'] },
    ],
    [
      'is ours beside a damaged one',
      [{ ...plain('1'), description: markerOf(us).slice(0, 20) }, marked('2', us)],
      { which: 'known', id: '2' },
    ],
    ['is not there among others', [plain('1'), marked('3', neighbour)], { which: 'none' }],
    [
      'of the same name under another ownerID stops us',
      [marked('1', rebuilt)],
      { which: 'refused', reason: 'OwnedElsewhere' },
    ],
    [
      'stops us also where its marker did not stay and only the weaker mark names the other ownerID',
      [{ ...plain('1'), owner: ownerText(rebuilt) }],
      { which: 'refused', reason: 'OwnedElsewhere' },
    ],
  ])('%s', (_what, things, answer) => {
    expect(identify(question(byMarker, things))).toMatchObject(answer as object);
  });
});

describe('an object with an ID of our choice', () => {
  const id = chosenID(us);
  test.each<[string, Thing[], unknown]>([
    ['is ours by its ID', [plain('1'), plain(id)], { which: 'known', id, how: 'chosen' }],
    [
      'is ours by its owner where the ID was ignored',
      [{ ...plain('1'), owner: ownerText(us) }],
      { which: 'known', id: '1' },
    ],
    ['is not there among others', [plain('1'), { ...plain('2'), owner: ownerText(neighbour) }], { which: 'none' }],
    [
      'of the same name under another ownerID stops us',
      [{ ...plain('1'), owner: ownerText(rebuilt) }],
      { which: 'refused', reason: 'OwnedElsewhere' },
    ],
  ])('%s', (_what, things, answer) => {
    expect(identify(question(byID, things))).toMatchObject(answer as object);
  });

  test('is told from its parts, and these from each other', () => {
    const part = { name: 'port', instance: 'aa' };
    const text = `${ownerText(us)}#port#aa`;
    const ofPart = chosenID(us, 'port', 'aa');
    const things = [{ ...plain('1'), owner: ownerText(us) }, plain(id), plain(chosenID(us, 'port', 'bb'))];
    expect(identify(question(byID, things, { part }))).toEqual({ which: 'none' });
    expect(identify(question(byID, [...things, plain(ofPart)], { part }))).toMatchObject({ id: ofPart });
    expect(identify(question(byID, [...things, { ...plain('p'), owner: text }], { part }))).toMatchObject({ id: 'p' });
    expect(identify(question(byID, [{ ...plain('p'), owner: text }]))).toEqual({ which: 'none' });
  });
});

describe('what was made for this resource, whatever its spec names', () => {
  const cut = { ...plain('1'), description: markerOf(us).slice(0, 20) };
  test.each<[string, Question['object'], Thing[], string[]]>([
    [
      'carries our marker',
      byMarker,
      [plain('1'), marked('2', us), marked('3', neighbour), marked('4', rebuilt)],
      ['2'],
    ],
    ['carries a marker that is whole', byMarker, [cut, { ...plain('2'), owner: ownerText(us) }], []],
    ['has the ID that we choose', byID, [plain('1'), plain(chosenID(us)), plain(chosenID(neighbour))], [chosenID(us)]],
    ['names us beside another ID', byID, [{ ...plain('1'), owner: ownerText(us) }, marked('2', rebuilt)], ['1']],
  ])('%s', (_what, object, things, ids) => {
    expect(madeForUs(question(object, things, { wished: '1' }))).toEqual(ids);
  });
});

describe('the word of a person', () => {
  test('names any object that nobody marked', () => {
    const asked = question(byMarker, [plain('1'), marked('2', us)], { wished: '1' });
    expect(identify(asked)).toEqual({ which: 'known', id: '1', listed: true, how: 'wished' });
    expect(identify(question(byMarker, [], { wished: '9' }))).toEqual({
      which: 'known',
      id: '9',
      listed: false,
      how: 'wished',
    });
  });

  test.each([byMarker, byID])(
    'does not reach what is marked for somebody else, but by take-over of that very mark',
    (object) => {
      const asked = question(object, [marked('1', neighbour)], { wished: '1' });
      const answer = identify(asked);
      expect(answer).toMatchObject({ which: 'refused', reason: 'OwnedElsewhere' });
      const [, word] = /take-over: "(.*)"$/.exec((answer as { message: string }).message)!;
      expect(word).toBe(object === byMarker ? markerOf(neighbour) : ownerText(neighbour));
      expect(identify({ ...asked, takeOver: word })).toMatchObject({ which: 'known', id: '1', how: 'wished' });
      expect(identify({ ...asked, takeOver: markerOf(rebuilt) })).toMatchObject({ which: 'refused' });
    },
  );

  test('is not needed for what is ours', () => {
    expect(refusal({ owner: us, object: byMarker, takeOver: undefined }, '1', marked('1', us))).toBeUndefined();
    // The remote lets people edit metadata: the marker is the stronger of the two.
    const edited = { ...marked('1', us), owner: ownerText(neighbour) };
    expect(refusal({ owner: us, object: byMarker, takeOver: undefined }, '1', edited)).toBeUndefined();
  });
});

const label = fc.stringMatching(/^[a-z0-9]{1,4}$/);
const anybody: fc.Arbitrary<Owner> = fc.record({
  ownerID: fc.oneof(label, fc.constant('prod')),
  namespace: fc.oneof(label, fc.constant('shop')),
  name: fc.oneof(label, fc.constant('web')),
});
const stranger = fc
  .record({
    id: fc.uuid(),
    name: fc.oneof(fc.string(), fc.constantFrom('web', 'shop/web', 'prod/shop/web')),
    description: fc.option(
      fc.oneof(
        fc.string(),
        fc.constantFrom('web', 'prod/shop/web', '[fh1', '[fh1:]', markerOf(neighbour).toUpperCase()),
        anybody.map((owner) => markedDescription(owner, 'web')),
      ),
      { nil: undefined },
    ),
    owner: fc.option(fc.oneof(fc.string(), anybody.map(ownerText)), { nil: undefined }),
  })
  .filter(({ owner, description }) => owner !== ownerText(us) && !description?.startsWith(markerOf(us)));
const strangers = fc.uniqueArray(stranger, { selector: ({ id }) => id, maxLength: 20 });

test('a look-alike is never ours, whatever it is called and whatever it says', () => {
  fc.assert(
    fc.property(strangers, fc.constantFrom(byMarker, byID), (things, object) => {
      expect(identify(question(object, things)).which).not.toBe('known');
    }),
  );
});

test('what is recorded is ours whatever else the list holds, and what else a person wishes', () => {
  fc.assert(
    fc.property(strangers, fc.uuid(), fc.option(fc.uuid(), { nil: undefined }), (things, recorded, wished) => {
      const all = [...things, marked('ours', us), marked('elsewhere', rebuilt)];
      const answer = identify(question(byMarker, all, { recorded, wished }));
      const listed = things.some(({ id }) => id === recorded);
      expect(answer).toEqual({ which: 'known', id: recorded, listed, how: 'recorded' });
    }),
  );
});

test('ours is found among any strangers, in any order', () => {
  const mixed = strangers.chain((things) =>
    fc.shuffledSubarray([...things, marked('ours', us)], { minLength: things.length + 1 }),
  );
  fc.assert(
    fc.property(mixed, (things) => {
      expect(identify(question(byMarker, things))).toMatchObject({ which: 'known', id: 'ours', listed: true });
    }),
  );
});

describe('among many others', () => {
  const others = Array.from({ length: 12 }, (_value, index) => marked(`x${index}`, { ...us, name: `other-${index}` }));
  const things = fc.array(
    fc.tuple(
      fc.constantFrom('1', '2', '3', chosenID(us)),
      fc.constantFrom('ours', 'rebuilt', 'neighbour', 'plain', 'cut'),
    ),
    { maxLength: 4 },
  );
  const make = (id: string, what: string): Thing => {
    if (what === 'plain') return plain(id);
    if (what === 'cut') return { ...marked(id, us), description: markerOf(us).slice(0, 20) };
    return marked(id, what === 'ours' ? us : what === 'rebuilt' ? rebuilt : neighbour);
  };

  test.each([
    ['a marker', byMarker],
    ['an ID of our choice', byID],
  ])('the answer is the same as among few, by %s', (_how, object) => {
    fc.assert(
      fc.property(things, (chosen) => {
        const few = chosen.map(([id, what]) => make(id, what));
        const asked = question(object, [...few, ...others]);
        expect(identify(asked)).toEqual(identify(question(object, few)));
        expect(madeForUs(asked)).toEqual(madeForUs(question(object, few)));
      }),
    );
  });

  test('a list is looked through once, whoever asks of it', () => {
    let looks = 0;
    const object = untyped({
      ...calls,
      identity: {
        level: 'marker',
        marker: ({ description }) => {
          looks += 1;
          return description;
        },
        owner: ({ owner }) => owner,
      },
    });
    const { snapshot } = question(object, others);
    for (const owner of [us, neighbour, rebuilt, us]) identify({ ...question(object, []), owner, snapshot });
    expect(looks).toBe(others.length);
  });
});
