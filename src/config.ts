import { hostname } from 'node:os';
import * as z from 'zod';

/** A duration as Go writes it: `90s`, `15m`, `1m30s`, `500ms`. Milliseconds. */
export function parseDuration(text: string): number | undefined {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * units[unit!]!,
    0,
  );
}

const duration = z.string().transform((text, context) => {
  const value = parseDuration(text);
  // An interval of nothing would list, or read Secrets, without end.
  if (value !== undefined && value >= 1000) return value;
  const message = value === undefined ? `"${text}" is no duration; write e.g. 90s or 15m` : 'must be at least 1s';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);
const boolean = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')], {
  error: 'must be "true" or "false"',
});
const integer = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

/** After a create with unknown outcome the remote may still carry out what it was sent; this much longer than our own deadline. */
const settleMargin = 5 * 60_000;

const fields = {
  ownerID: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be 1 to 63 characters of a-z, 0-9 and "-"'),
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
  watchNamespaces: list.default([]),
  leaderElect: boolean.default(true),
  leaseNamespace: z.string().optional(),
  leaseName: z.string().default('freehold'),
  leaseDuration: duration.prefault('15s'),
  renewDeadline: duration.prefault('10s'),
  retryPeriod: duration.prefault('2s'),
  shards: integer(1, 100).default(1),
  shard: integer(0, 99).default(0),
  identity: z.string().default(hostname()),
  allowedEndpoints: list.default([]),
  allowInsecureEndpoints: boolean.default(false),
  settleWindow: duration.prefault('15m'),
  absenceInterval: duration.prefault('60s'),
  motionInterval: duration.prefault('15s'),
  staleAfter: duration.prefault('5m'),
  secretInterval: duration.prefault('5m'),
  readDeadline: duration.prefault('30s'),
  writeDeadline: duration.prefault('60s'),
  workers: integer(1, 1000).default(64),
  listen: z.string().default(':8080'),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
};

export const configSchema = z
  .object(fields)
  .refine((config) => config.settleWindow >= config.writeDeadline + settleMargin, {
    error: `must be at least --write-deadline and ${settleMargin / 60_000} minutes: a create may still be carried out after its deadline`,
    path: ['settleWindow'],
  })
  .refine((config) => config.leaseDuration > config.renewDeadline && config.renewDeadline > config.retryPeriod * 1.2, {
    error: '--lease-duration must be greater than --renew-deadline, and that than 1.2 times --retry-period',
    path: ['leaseDuration'],
  })
  .refine(({ shard, shards }) => shard < shards, {
    error: 'must be less than --shards: the first shard is 0',
    path: ['shard'],
  })
  .refine(({ shards, leaderElect }) => shards === 1 || leaderElect, {
    error: 'needs --leader-elect: the Leases of the shards keep two counts from acting at once',
    path: ['shards'],
  })
  .refine(({ shards, leaseName }) => shards === 1 || /^.{1,63}$/.test(leaseName), {
    error: 'must be 1 to 63 characters with --shards: it is the label by which the Leases of all shards are found',
    path: ['leaseName'],
  });

/** Everything a start of the operator can set, validated. Durations in milliseconds. */
export type Config = z.output<typeof configSchema>;

/** One setting, as the command line shows it. */
export interface Setting {
  flag: string;
  field: keyof typeof fields;
  description: string;
  boolean?: true;
}

export const settings: Setting[] = [
  {
    flag: '--owner-id <id>',
    field: 'ownerID',
    description:
      'names this installation in the markers of all remote objects; required; it must outlive the cluster, and two live clusters must never share it',
  },
  {
    flag: '--kubeconfig <file>',
    field: 'kubeconfig',
    description: 'kubeconfig; default as kubectl, in a pod its service account',
  },
  { flag: '--context <name>', field: 'context', description: 'context of the kubeconfig' },
  {
    flag: '--watch-namespaces <names>',
    field: 'watchNamespaces',
    description: 'namespaces to watch, separated by commas; default all',
  },
  {
    flag: '--leader-elect <bool>',
    field: 'leaderElect',
    description: 'act only while holding the Lease (default true)',
  },
  {
    flag: '--lease-namespace <name>',
    field: 'leaseNamespace',
    description: 'namespace of the Lease; default the one of the connection',
  },
  { flag: '--lease-name <name>', field: 'leaseName', description: 'name of the Lease (default freehold)' },
  {
    flag: '--lease-duration <duration>',
    field: 'leaseDuration',
    description: 'how long a standby waits after the last renewal (default 15s)',
  },
  {
    flag: '--renew-deadline <duration>',
    field: 'renewDeadline',
    description: 'how long the leader acts on its last renewal (default 10s)',
  },
  { flag: '--retry-period <duration>', field: 'retryPeriod', description: 'between renewals (default 2s)' },
  {
    flag: '--shards <number>',
    field: 'shards',
    description: 'processes that divide the remote tenants among them, each with its standbys (default 1)',
  },
  { flag: '--shard <number>', field: 'shard', description: 'which of them this one is, from 0 (default 0)' },
  {
    flag: '--identity <name>',
    field: 'identity',
    description: 'name of this replica in Lease and journal; default the host name',
  },
  {
    flag: '--allowed-endpoints <hosts>',
    field: 'allowedEndpoints',
    description: 'hosts that credentials may be sent to, separated by commas, * within a name; default none',
  },
  {
    flag: '--allow-insecure-endpoints',
    field: 'allowInsecureEndpoints',
    description: 'allow http and loopback addresses: for a sandbox only',
    boolean: true,
  },
  {
    flag: '--settle-window <duration>',
    field: 'settleWindow',
    description: 'after a create with unknown outcome, no second one before (default 15m)',
  },
  {
    flag: '--absence-interval <duration>',
    field: 'absenceInterval',
    description: 'between the two looks that prove an object gone (default 60s)',
  },
  {
    flag: '--motion-interval <duration>',
    field: 'motionInterval',
    description: 'between two lists while something is in motion (default 15s)',
  },
  {
    flag: '--stale-after <duration>',
    field: 'staleAfter',
    description: 'a Ready resource stays so on lists up to this age (default 5m)',
  },
  {
    flag: '--secret-interval <duration>',
    field: 'secretInterval',
    description: 'between two reads of a credentials Secret (default 5m)',
  },
  {
    flag: '--read-deadline <duration>',
    field: 'readDeadline',
    description: 'for a read of a remote API (default 30s)',
  },
  {
    flag: '--write-deadline <duration>',
    field: 'writeDeadline',
    description: 'for a change at a remote API (default 60s)',
  },
  { flag: '--workers <number>', field: 'workers', description: 'resources worked on at once (default 64)' },
  {
    flag: '--listen <address>',
    field: 'listen',
    description: 'where /metrics, /healthz and /readyz are served (default :8080)',
  },
  { flag: '--log-level <level>', field: 'logLevel', description: 'debug, info, warn, error or silent (default info)' },
];

const environmentName = (flag: string) => `FREEHOLD_${flag.split(' ')[0]!.slice(2).replaceAll('-', '_').toUpperCase()}`;

/**
 * Flags first, then `FREEHOLD_…` variables (`FREEHOLD_OWNER_ID`), then defaults. Throws an Error that names the flag.
 */
export function readConfig(flags: Record<string, unknown>, environment: NodeJS.ProcessEnv): Config {
  const given = settings.flatMap(({ flag, field }) => {
    const value = flags[field] ?? environment[environmentName(flag)];
    return value === undefined || value === '' ? [] : [[field, value] as const];
  });
  const result = configSchema.safeParse(Object.fromEntries(given));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const setting = settings.find(({ field }) => field === issue?.path[0]);
  const name = setting ? `${setting.flag.split(' ')[0]} (${environmentName(setting.flag)})` : 'settings';
  const missing = setting && !given.some(([field]) => field === setting.field) && issue?.code === 'invalid_type';
  throw new Error(missing ? `${name} is required: ${setting.description}` : `${name}: ${issue?.message}`);
}
