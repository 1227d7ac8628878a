import { expect, test } from 'vitest';
import { inCloud, machine } from '../bare-metal/cloud.ts';
import { describeLife } from '../bare-metal/life.ts';
import { describeMistakes } from '../bare-metal/mistakes.ts';
import { describeSafety } from '../bare-metal/safety.ts';
import { sandboxCloud } from '../bare-metal/sandbox.ts';
import { leaks } from '../support/canaries.ts';

const open = sandboxCloud('seed');
describeLife('at the gateway', open);
describeSafety('at the gateway', open);
describeMistakes('at the gateway', open);

const on = inCloud(open);
const minute = 60_000;

test(
  'at rest the gateway is asked for one list a poll, and for the ports of each node once an hour',
  { timeout: 120_000 },
  on(async ({ s, cloud, tenant, node, ready }) => {
    const names = ['a', 'b', 'c', 'd'];
    await s.start();
    await s.apply(...tenant(), ...names.map((name) => node(name, { ports: [{ macAddress: machine().mac(1) }] })));
    for (const name of names) await ready(name);
    await s.pass(2 * minute);
    const { calls } = cloud.recorder;
    const before = calls.length;
    const written = await s.api.list(
      { group: 'cloudos.freehold.dev', version: 'v1alpha1', plural: 'baremetalnodes', kind: 'BareMetalNode' },
      { namespace: s.namespace },
    );
    await s.pass(3 * 60 * minute, minute);
    const paths = calls
      .slice(before)
      .map(({ method, path }) => `${method} ${path.replace(/.*\/v1\//, '').replace(/[0-9a-f]{8}-[0-9a-f-]+/, 'ID')}`);
    const count = (what: string) => paths.filter((path) => path === what).length;
    // A list a minute, three hours long, jittered.
    expect(count('GET nodes/detail')).toBeGreaterThan(90);
    expect(count('GET nodes/detail')).toBeLessThan(240);
    for (const what of ['GET nodes/ID/ports/detail', 'GET portgroups?node=ID']) {
      expect(count(what)).toBeGreaterThanOrEqual(2 * names.length);
      expect(count(what)).toBeLessThanOrEqual(5 * names.length);
    }
    expect(paths.filter((path) => !path.startsWith('GET'))).toEqual([]);
    const after = await s.api.list(
      { group: 'cloudos.freehold.dev', version: 'v1alpha1', plural: 'baremetalnodes', kind: 'BareMetalNode' },
      { namespace: s.namespace },
    );
    const versions = ({ items }: typeof written) => items.map(({ metadata }) => `${metadata.resourceVersion}`).sort();
    expect(versions(after)).toEqual(versions(written));
  }),
);

test(
  'what the gateway demands of headers is so on the wire, call by call',
  { timeout: 120_000 },
  on(async ({ s, cloud, tenant, node, ready, change }) => {
    const { mac } = machine();
    await s.start();
    const spec = { portGroups: [{ name: 'bond0' }], ports: [{ macAddress: mac(1), portGroup: 'bond0' }] };
    await s.apply(...tenant(), node('wire', { ...spec, deletionPolicy: 'Delete' }));
    await ready('wire');
    for (const wish of [
      { power: 'PoweredOn' },
      { maintenance: { reason: 'x' } },
      { maintenance: null },
      { resourceClass: 'c' },
    ]) {
      await change('wire', wish);
      await ready('wire');
    }
    await change('wire', { portGroups: null, ports: [{ macAddress: mac(2) }] });
    await ready('wire');
    const seen = new Set<string>();
    for (const { method, path, requestHeaders: headers } of cloud.recorder.calls) {
      if (!path.includes('/os/kinton/')) continue;
      expect(headers).toMatchObject({
        'h3cloudos-core-target': 'bare_metal',
        'x-openstack-ironic-api-version': '1.34',
      });
      // Seed 004 L30-L33: only what is answered with a body says what it accepts.
      const answered = method === 'GET' || method === 'POST';
      expect([method, path, 'accept' in headers]).toEqual([method, path, answered]);
      seen.add(method);
    }
    expect([...seen].sort()).toEqual(['DELETE', 'GET', 'PATCH', 'POST', 'PUT']);
  }),
);

test(
  'a remote that quotes the BMC password in its errors does not bring it into status, events or log',
  { timeout: 120_000 },
  on(async ({ s, tenant, node, ready, reason, change, get }) => {
    const operator = await s.start();
    await s.apply(...tenant(), node('quoted'));
    await ready('quoted');
    await s.sandbox.set({ failInspect: 'login bmc-user with bmc-first-password was refused' });
    await change('quoted', { action: { requestedAt: '2099-01-01T00:00:00Z', verb: 'Inspect' } });
    await reason('quoted', 'InspectFailed');
    const { status } = await get('quoted');
    expect(status?.action?.message).toContain('login bmc-user with [redacted] was refused');
    expect(status?.['lastError']).toContain('[redacted]');
    const { stdout } = await s.kubectl(['get', 'freehold,events.events.k8s.io', '-o', 'yaml']);
    const shown = { resources: stdout, log: operator.log() };
    for (const [where, text] of Object.entries(shown))
      expect(leaks(where, text, { password: 'bmc-first-password' })).toEqual([]);
  }),
);
