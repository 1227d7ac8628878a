import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Config, configSchema, settings } from '../../src/config.ts';
import { chart, configOf, deployments, render, required } from './support/helm.ts';

const defaults = configSchema.parse({ ownerID: required.ownerID });
const values = parse(readFileSync(path.join(chart, 'values.yaml'), 'utf8')) as Record<string, unknown>;

describe('every setting of the operator', () => {
  /** Each differs from its default. */
  const other = {
    watchNamespaces: ['a', 'b'],
    allowedEndpoints: ['cloud.example:8443'],
    allowInsecureEndpoints: true,
    settings: {
      settleWindow: '20m',
      absenceInterval: '61s',
      motionInterval: '16s',
      staleAfter: '6m',
      secretInterval: '1m30s',
      readDeadline: '31s',
      writeDeadline: '1m1s',
      workers: 65,
    },
    logLevel: 'debug',
    shards: 2,
    leaderElection: {
      leaseName: 'lease',
      leaseNamespace: 'leases',
      leaseDuration: '16s',
      renewDeadline: '11s',
      retryPeriod: '3s',
    },
    port: 9090,
  };
  /** Of a person at a terminal; or of a replica, which takes its name from its pod. */
  const notValues: (keyof Config)[] = ['kubeconfig', 'context', 'identity'];

  it('but for those of people at a terminal can be set by a value', async () => {
    const last = deployments(await render(other)).at(-1)!;
    const single = deployments(await render({ replicas: 1, leaderElection: { enabled: false } }))[0]!;
    const config = configOf(last.spec.template.spec.containers[0]!.args);
    const alone = configOf(single.spec.template.spec.containers[0]!.args);
    const unset = settings
      .map(({ field }) => field)
      .filter((field) => !notValues.includes(field))
      .filter(
        (field) => JSON.stringify([config[field], alone[field]]) === JSON.stringify([defaults[field], defaults[field]]),
      );
    expect(unset).toEqual(['ownerID']);
    expect(config).toMatchObject({
      settleWindow: 1_200_000,
      secretInterval: 90_000,
      writeDeadline: 61_000,
      shard: 1,
      workers: 65,
      listen: ':9090',
    });
    expect(alone.leaderElect).toBe(false);
    expect(single.spec.strategy).toEqual({ type: 'Recreate' });
  });

  it('stands in values.yaml with the default of the operator, and with its flag', () => {
    const text = readFileSync(path.join(chart, 'values.yaml'), 'utf8');
    const given = { ...(values['settings'] as object), ...(values['leaderElection'] as object) } as Record<
      string,
      string
    >;
    for (const field of [
      'settleWindow',
      'absenceInterval',
      'motionInterval',
      'staleAfter',
      'secretInterval',
      'readDeadline',
      'writeDeadline',
      'leaseDuration',
      'renewDeadline',
      'retryPeriod',
    ] as const) {
      const { flag, description } = settings.find((setting) => setting.field === field)!;
      expect(text).toContain(`\`${flag.split(' ')[0]}\``);
      expect(description).toContain(`default ${given[field]}`);
    }
  });
});
