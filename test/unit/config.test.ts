import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration, readConfig, settings } from '../../src/config.ts';

const given = { ownerID: 'prod' };
const read = (flags: Record<string, unknown> = {}, environment: NodeJS.ProcessEnv = {}) =>
  readConfig({ ...given, ...flags }, environment);
const variable = (flag: string) => `FREEHOLD_${flag.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;
const name = ({ flag }: { flag: string }) => flag.split(' ')[0]!;

/** One good value for every setting, as text, and what it is read as. */
const values: Record<(typeof settings)[number]['field'], [text: string, value: unknown]> = {
  ownerID: ['site-1', 'site-1'],
  kubeconfig: ['/etc/kube', '/etc/kube'],
  context: ['prod', 'prod'],
  watchNamespaces: ['a, b,,c ', ['a', 'b', 'c']],
  leaderElect: ['false', false],
  leaseNamespace: ['infra', 'infra'],
  leaseName: ['other', 'other'],
  leaseDuration: ['1m', 60_000],
  renewDeadline: ['12s', 12_000],
  retryPeriod: ['1500ms', 1500],
  shards: ['3', 3],
  shard: ['2', 2],
  identity: ['pod-1', 'pod-1'],
  allowedEndpoints: ['*.api.ntt.com,localhost', ['*.api.ntt.com', 'localhost']],
  allowInsecureEndpoints: ['true', true],
  settleWindow: ['1h', 3_600_000],
  absenceInterval: ['2m', 120_000],
  motionInterval: ['20s', 20_000],
  staleAfter: ['10m', 600_000],
  secretInterval: ['1m30s', 90_000],
  readDeadline: ['10s', 10_000],
  writeDeadline: ['1.5m', 90_000],
  workers: ['8', 8],
  listen: ['127.0.0.1:9090', '127.0.0.1:9090'],
  logLevel: ['debug', 'debug'],
};

/** What a setting means something with only. */
const beside: Partial<Record<keyof typeof values, Record<string, string>>> = { shard: { shards: '3' } };

describe.each(settings)('$flag', (setting) => {
  const [text, value] = values[setting.field];
  const others = beside[setting.field];

  test('is read from the flag', () => {
    expect(read({ ...others, [setting.field]: text })[setting.field]).toEqual(value);
  });

  test('is read from its variable, and the flag goes before it', () => {
    const environment = { [variable(name(setting))]: text };
    const rest = setting.field === 'ownerID' ? {} : { ...given, ...others };
    expect(readConfig(rest, environment)[setting.field]).toEqual(value);
    const nonsense = { [variable(name(setting))]: 'nonsense !' };
    expect(read({ ...others, [setting.field]: text }, nonsense)[setting.field]).toEqual(value);
  });

  test('counts as not given when it is empty', () => {
    const environment = { [variable(name(setting))]: '' };
    expect(read({}, environment)[setting.field]).toEqual(read()[setting.field]);
  });

  test('says what it is for, and names the default that it has', () => {
    const { description, field } = setting;
    expect(description).not.toBe('');
    const [, stated] = /\(default (\S+)\)$/.exec(description) ?? [];
    const value = read()[field];
    if (stated === undefined) return;
    expect(typeof value === 'number' ? (parseDuration(stated) ?? Number(stated)) : stated).toEqual(
      typeof value === 'number' ? value : String(value),
    );
  });
});

test('every setting of the schema can be set on the command line', () => {
  expect(settings.map(({ field }) => field).sort()).toEqual(Object.keys(values).sort());
  const all = Object.fromEntries(Object.entries(values).map(([field, [text]]) => [field, text]));
  const config = read({ ...all, leaderElect: 'true' }); // shards need it
  expect(Object.keys(config).sort()).toEqual(Object.keys(values).sort());
});

test('without an owner ID nothing starts, and the error says how to give it', () => {
  expect(() => readConfig({}, {})).toThrow(/^--owner-id \(FREEHOLD_OWNER_ID\) is required: /);
});

describe('what cannot be meant is refused, with flag and variable', () => {
  test.each<[string, string, unknown]>([
    ['ownerID', '--owner-id', 'Prod'],
    ['ownerID', '--owner-id', 'a/b'],
    ['ownerID', '--owner-id', 'x'.repeat(64)],
    ['settleWindow', '--settle-window', 'soon'],
    ['settleWindow', '--settle-window', '15'],
    ['leaderElect', '--leader-elect', 'maybe'],
    ['allowInsecureEndpoints', '--allow-insecure-endpoints', 'yes'],
    ['workers', '--workers', '0'],
    ['workers', '--workers', 'many'],
    ['workers', '--workers', '1.5'],
    ['shards', '--shards', '0'],
    ['shards', '--shards', '101'],
    ['shard', '--shard', '-1'],
    ['shard', '--shard', '1'],
    ['logLevel', '--log-level', 'loud'],
    ['absenceInterval', '--absence-interval', '999ms'],
    // Zero would list, or read Secrets, without end.
    ['motionInterval', '--motion-interval', '0s'],
    ['secretInterval', '--secret-interval', '0s'],
    ['retryPeriod', '--retry-period', '0s'],
    ['readDeadline', '--read-deadline', '0s'],
    ['writeDeadline', '--write-deadline', '0s'],
  ])('%s: %s %j', (field, flag, value) => {
    const message = `${flag} (${variable(flag)}): `;
    expect(() => read({ [field]: value })).toThrow(message);
    const environment = { FREEHOLD_OWNER_ID: 'prod', [variable(flag)]: String(value) };
    expect(() => readConfig({}, environment)).toThrow(message);
  });

  test('a word that is neither true nor false is told so', () => {
    expect(() => read({ leaderElect: 'maybe' })).toThrow('"true" or "false"');
  });

  test('a settle window that ends before a create may', () => {
    const short = /^--settle-window \(FREEHOLD_SETTLE_WINDOW\): must be at least --write-deadline and 5 minutes/;
    expect(() => read({ settleWindow: '5m' })).toThrow(short);
    expect(() => read({ settleWindow: '6m', writeDeadline: '60001ms' })).toThrow(short);
    expect(read({ settleWindow: '6m', writeDeadline: '60s' }).settleWindow).toBe(360_000);
  });

  test('a shard beyond the last, shards without Leases, and a Lease whose name is no label', () => {
    expect(() => read({ shards: '3', shard: '3' })).toThrow('--shard (FREEHOLD_SHARD): must be less than --shards');
    expect(() => read({ shards: '2', leaderElect: 'false' })).toThrow(
      '--shards (FREEHOLD_SHARDS): needs --leader-elect',
    );
    const leaseName = 'x'.repeat(64);
    expect(() => read({ shards: '2', leaseName })).toThrow('--lease-name (FREEHOLD_LEASE_NAME): must be 1 to 63');
    expect(read({ leaseName }).leaseName).toBe(leaseName);
  });

  test('a lease that could have two holders', () => {
    const refused = /^--lease-duration \(FREEHOLD_LEASE_DURATION\): .*--renew-deadline.*--retry-period/;
    expect(() => read({ leaseDuration: '10s' })).toThrow(refused);
    expect(() => read({ retryPeriod: '9s' })).toThrow(refused);
  });
});

test('a duration is read as Go writes it, and nothing else is', () => {
  const unit = fc.constantFrom<[string, number]>(['ms', 1], ['s', 1000], ['m', 60_000], ['h', 3_600_000]);
  const parts = fc.array(fc.tuple(fc.nat(1000), unit), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(parts, (parts) => {
      const text = parts.map(([number, [unit]]) => `${number}${unit}`).join('');
      expect(parseDuration(text)).toBe(parts.reduce((sum, [number, [, size]]) => sum + number * size, 0));
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (!/\d(ms|s|m|h)/.test(text)) expect(parseDuration(text)).toBeUndefined();
    }),
  );
  for (const text of ['', '1', 's', '-1s', '1 s', '1d', '1e3s', ' 1s', '1s ', '.5s']) {
    expect([text, parseDuration(text)]).toEqual([text, undefined]);
  }
});
