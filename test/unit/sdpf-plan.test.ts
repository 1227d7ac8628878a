import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observation, Step, World } from '../../src/engine/kind.ts';
import { markedDescription } from '../../src/engine/owner.ts';
import { reasons } from '../../src/engine/reasons.ts';
import { dedicatedHypervisor } from '../../src/sdpf/dedicated-hypervisor.ts';
import { server as serverSchema, type Server } from '../../src/sdpf/wire-server.ts';

const kind = dedicatedHypervisor;
const canary = 'canary-password';

/** A value of any type, also where the schema wants text: null, numbers, lists and objects of who knows what. */
const anything = fc.anything({ maxDepth: 2, maxKeys: 3, withNullPrototype: false });
const either = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: value }, anything, fc.constant(null));
const word = (...known: string[]) =>
  fc.oneof(fc.constantFrom(...known), fc.constantFrom(...known.map((text) => text.toLowerCase())), fc.string());
const keys = fc.oneof(fc.string(), fc.constantFrom('constructor', 'toString', 'rack', 'freehold-owner'));

const machine = fc.record(
  {
    id: either(fc.uuid()),
    'OS-EXT-STS:power_state': either(word('RUNNING', 'SHUTDOWN', 'CRASHED')),
    'OS-EXT-STS:task_state': either(word('None', 'DELETING', 'BUILDING', 'POWERING-ON')),
    'OS-EXT-STS:vm_state': either(word('ACTIVE', 'BUILDING')),
    'OS-EXT-AZ:availability_zone': either(word('zone1-groupa')),
    created: either(fc.string()),
    updated: either(fc.string()),
    flavor: either(fc.record({ id: either(fc.string()), links: anything })),
    image: either(fc.record({ id: either(fc.string()) })),
    metadata: either(fc.dictionary(keys, fc.string())),
    nic_physical_ports: either(
      fc.array(
        fc.record(
          {
            mac_addr: either(fc.string()),
            plane: either(word('DATA', 'STORAGE')),
            attached_ports: either(
              fc.array(fc.record({ fixed_ips: either(fc.array(fc.record({ ip_address: either(fc.ipV4()) }))) })),
            ),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 3 },
      ),
    ),
    'chassis-status': either(fc.dictionary(keys, fc.oneof(fc.boolean(), fc.integer()))),
    adminPass: fc.constant(canary),
  },
  { requiredKeys: ['adminPass'] },
);

/** Servers as the remote may answer them, read by the wire schema: whatever that lets through, a pass must bear. */
const wireServer: fc.Arbitrary<Server> = fc
  .record(
    {
      id: fc.uuid(),
      name: fc.oneof(fc.constant('web'), fc.string()),
      description: fc.option(fc.string(), { nil: undefined }),
      hypervisor_type: either(word('vsphere_esxi')),
      imageRef: either(fc.oneof(fc.string(), fc.webUrl())),
      image_name: either(fc.string()),
      status: word('ACTIVE', 'BUILD', 'ERROR', 'DELETED', 'UNKNOWN'),
      cfgw_connection_status: either(fc.boolean()),
      baremetal_server: either(machine),
      adminPass: fc.constant(canary),
    },
    { requiredKeys: ['id', 'name', 'status', 'adminPass'] },
  )
  .map((answer) => serverSchema.parse(JSON.parse(JSON.stringify(answer))));

const wish = fc
  .record(
    {
      name: fc.oneof(fc.constant('web'), fc.string({ minLength: 1 })),
      description: fc.string({ maxLength: 180 }),
      imageRef: fc.oneof(fc.string({ minLength: 1 }), fc.webUrl(), fc.constantFrom('/', '//')),
      flavorRef: fc.string({ minLength: 1 }),
      availabilityZone: fc.string({ minLength: 1 }),
      metadata: fc.dictionary(keys, fc.string()),
    },
    { requiredKeys: [] },
  )
  .map((spec) => ({
    name: 'web',
    spec: {
      tenantRef: { name: 't' },
      managementPolicy: 'Manage' as const,
      deletionPolicy: 'Delete' as const,
      ...spec,
    },
  }));

const present = (server: Server): Observation<unknown> => ({ state: 'present', id: server.id, remote: server });
const plan = (desired: Parameters<typeof kind.plan>[0], main: Observation<unknown>) =>
  kind.plan(desired, { main, parts: {} });
const world: World = {
  listed: () => new Map(),
  resources: () => [],
  resource: () => undefined,
  reserved: () => false,
  now: 0,
};
const planRemoval = (server: Server) => kind.planRemoval({ main: server, parts: {}, name: 'web' }, world);
const taskOf = (server: Server) => server.baremetal_server?.['OS-EXT-STS:task_state'];
const isIdle = (server: Server) => [undefined, '', 'None'].includes(taskOf(server));
const isDeleting = (server: Server) => taskOf(server)?.toUpperCase() === 'DELETING';
const messageOf = (step: Step) => ('message' in step ? step.message : 'no message');

describe('the plan for a server, whatever the remote shows', () => {
  test('is the same each time, and says a reason that people can look up', () => {
    fc.assert(
      fc.property(wish, wireServer, (desired, server) => {
        for (const step of [plan(desired, present(server)), planRemoval(server)]) {
          if ('reason' in step) expect(reasons).toHaveProperty(step.reason);
          expect(messageOf(step)).not.toBe('');
        }
        expect(plan(structuredClone(desired), present(structuredClone(server)))).toEqual(
          plan(desired, present(server)),
        );
        expect(planRemoval(structuredClone(server))).toEqual(planRemoval(server));
      }),
    );
  });

  test('never creates what is there, nor what nobody knows whether it is there', () => {
    fc.assert(
      fc.property(wish, wireServer, (desired, server) => {
        expect(plan(desired, present(server)).do).not.toBe('create');
      }),
    );
    const desired = fc.sample(wish, 1)[0]!;
    expect(plan(desired, { state: 'absent' })).toEqual({ do: 'create', remote: 'main' });
    expect(plan(desired, { state: 'unknown', reason: 'Confirming', message: 'looking' })).toEqual({
      do: 'wait',
      reason: 'Confirming',
      message: 'looking',
    });
  });

  test('is ready only when it is ACTIVE, idle and called as wanted', () => {
    fc.assert(
      fc.property(wish, wireServer, (desired, server) => {
        const wanted = desired.spec as { name?: string };
        const well =
          server.status.toUpperCase() === 'ACTIVE' && isIdle(server) && server.name === (wanted.name ?? desired.name);
        expect(plan(desired, present(server)).do === 'ready').toBe(well);
      }),
    );
  });

  test('sends a change only to a server that is ACTIVE and idle, and only where the name differs', () => {
    fc.assert(
      fc.property(wish, wireServer, (desired, server) => {
        const step = plan(desired, present(server));
        if (!['update', 'act', 'remove'].includes(step.do)) return;
        expect(step.do).toBe('update');
        expect([server.status.toUpperCase(), isIdle(server)]).toEqual(['ACTIVE', true]);
      }),
    );
  });

  test('waits in every state that it does not know', () => {
    fc.assert(
      fc.property(wish, wireServer, (desired, server) => {
        fc.pre(!['ACTIVE', 'BUILD', 'ERROR'].includes(server.status.toUpperCase()) && !isDeleting(server));
        expect(plan(desired, present(server))).toMatchObject({ do: 'wait', reason: 'UnknownState' });
        expect(planRemoval(server)).toMatchObject({ do: 'wait' });
      }),
    );
  });

  test('never removes one that is not ACTIVE or ERROR, nor one that is being deleted', () => {
    fc.assert(
      fc.property(wireServer, (server) => {
        const step = planRemoval(server);
        const may = ['ACTIVE', 'ERROR'].includes(server.status.toUpperCase()) && !isDeleting(server);
        expect(step).toMatchObject(may ? { do: 'remove', remote: 'main' } : { do: 'wait' });
      }),
    );
  });
});

describe('a table of states', () => {
  const shown = (status: string, task?: string, name = 'web') =>
    serverSchema.parse({ id: 's1', name, status, baremetal_server: { 'OS-EXT-STS:task_state': task } });
  const desired = fc.sample(wish, 1).map(({ spec }) => ({ name: 'web', spec: { ...spec, name: 'web' } }))[0]!;

  test.each<[string, string | undefined, string, string]>([
    ['ACTIVE', 'None', 'ready', 'remove'],
    ['ACTIVE', undefined, 'ready', 'remove'],
    ['ACTIVE', 'POWERING-ON', 'wait', 'remove'],
    ['ACTIVE', 'DELETING', 'wait', 'wait'],
    ['ACTIVE', 'deleting', 'wait', 'wait'],
    ['BUILD', undefined, 'wait', 'wait'],
    ['BUILD', 'BUILDING', 'wait', 'wait'],
    ['ERROR', undefined, 'blocked', 'remove'],
    ['ERROR', 'DELETING', 'blocked', 'wait'],
    ['DELETED', undefined, 'wait', 'wait'],
    ['', undefined, 'wait', 'wait'],
  ])('%s, task %s: towards the spec %s, towards none %s', (status, task, forward, away) => {
    const server = shown(status, task);
    expect([plan(desired, present(server)).do, planRemoval(server).do]).toEqual([forward, away]);
  });

  test('another name is a change to send, and says from what to what', () => {
    expect(plan(desired, present(shown('ACTIVE', 'None', 'old')))).toEqual({
      do: 'update',
      remote: 'main',
      drift: ['name: wanted "web", is "old"'],
    });
  });
});

describe('what is shown of a server', () => {
  test('never fails, and never holds a password', () => {
    fc.assert(
      fc.property(wireServer, (server) => {
        const shown = kind.report(server, 0, {} as never);
        const text = JSON.stringify(shown);
        expect(text).not.toContain(canary);
        expect(text).not.toMatch(/"[^"]*(pass|secret|token)[^"]*":/i);
        for (const { type, reason } of shown.conditions) {
          expect(type).toBe('CFGWConnected');
          expect(reasons).toHaveProperty(reason);
        }
      }),
    );
  });

  test('fits the schema of the status, so that the API server takes and keeps it', () => {
    fc.assert(
      fc.property(wireServer, (server) => {
        const status = JSON.parse(JSON.stringify(kind.report(server, 0, {} as never).status)) as object;
        const read = kind.status.partial().strict().parse(status);
        expect(JSON.parse(JSON.stringify(read))).toEqual(status);
      }),
    );
  });

  test('is plain JSON: what is compared with the stored status is what was stored', () => {
    fc.assert(
      fc.property(wireServer, (server) => {
        const top = Object.entries(kind.report(server, 0, {} as never).status).filter(
          ([, value]) => value !== undefined,
        );
        const status = Object.fromEntries(top);
        expect(JSON.parse(JSON.stringify(status))).toStrictEqual(status);
      }),
    );
  });
});

describe('the differences that no update can mend', () => {
  test('are found in anything, and name what was wanted and what is', () => {
    fc.assert(
      fc.property(wish, wireServer, (desired, server) => {
        for (const difference of kind.differences(desired, server)) {
          expect(difference).toMatch(/^(imageRef|flavorRef|availabilityZone|description|metadata\..*): wanted /s);
          expect(difference).not.toContain('native code');
        }
      }),
    );
  });

  test('are none between a server and its own spec', () => {
    const spec = {
      imageRef: 'https://image/v2/images/i-1/',
      flavorRef: 'f-1',
      availabilityZone: 'z-1',
      description: '[web] a server',
      metadata: { rack: '7' },
    };
    const server = serverSchema.parse({
      id: 's1',
      name: 'web',
      status: 'ACTIVE',
      description: markedDescription({ ownerID: 'o', namespace: 'n', name: 'web' }, spec.description),
      imageRef: 'i-1',
      baremetal_server: {
        flavor: { id: 'f-1' },
        'OS-EXT-AZ:availability_zone': 'z-1',
        metadata: { rack: '7', 'freehold-owner': 'o/n/web', more: 'x' },
      },
    });
    const desired = { name: 'web', spec: { ...fc.sample(wish, 1)[0]!.spec, ...spec } };
    expect(kind.differences(desired, server)).toEqual([]);
    const other = { ...desired, spec: { ...desired.spec, imageRef: 'i-2', metadata: { rack: '8' }, description: 'x' } };
    expect(kind.differences(other, server)).toEqual([
      'imageRef: wanted "i-2", is "i-1"',
      'description: wanted "x", is "[web] a server"',
      'metadata.rack: wanted "8", is "7"',
    ]);
  });
});

test('a generated password has every class that ESXi asks for, and no two are the same', () => {
  const need = Object.values(kind.secrets!(fc.sample(wish, 1)[0]!.spec, 'web'))[0]!;
  expect(need).toMatchObject({ name: 'web-admin-password', key: 'password', condition: 'PasswordKnown' });
  const made = new Set<string>();
  for (let index = 0; index < 200; index += 1) {
    const password = need.generate!((length) => crypto.getRandomValues(new Uint8Array(length)));
    expect(String(password)).toBe('[redacted]');
    expect(password.reveal()).toMatch(/^(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9])[A-Za-z0-9]{20}-$/);
    made.add(password.reveal());
  }
  expect(made.size).toBe(200);
});
