import { describe, expect, it } from 'vitest';
import { CloudOS, told, UUID } from './sandbox-cloudos.ts';

const version = (text: string | undefined): Record<string, string | undefined> => ({
  'x-openstack-ironic-api-version': text,
});
const range = { 'x-openstack-ironic-api-minimum-version': '1.1', 'x-openstack-ironic-api-maximum-version': '1.82' };

describe('the API version', () => {
  it.each([
    ['1.34', '1.34'],
    ['latest', '1.82'],
    [undefined, '1.1'],
  ])('asked for as %s is answered as %s', (asked, answered) => {
    const seen = new CloudOS().plain('GET', '/v1/nodes/detail', undefined, version(asked));
    expect(seen.status).toBe(200);
    expect(seen.headers).toMatchObject({ ...range, 'x-openstack-ironic-api-version': answered });
    expect(seen.headers['openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/);
  });

  it.each(['1.999', '1.0', '2.0', '0.9'])('%s is out of range', (asked) => {
    const seen = new CloudOS().plain('GET', '/v1/nodes/detail', undefined, version(asked));
    expect([seen.status, told(seen)]).toEqual([
      406,
      {
        code: 406,
        title: 'Not Acceptable',
        description: expect.stringContaining('The supported version range is: [1.1, 1.82].'),
      },
    ]);
    expect(seen.headers).toMatchObject(range);
    expect(seen.headers).not.toHaveProperty('x-openstack-ironic-api-version');
  });

  it.each(['abc', '1', ''])('"%s" is none', (asked) => {
    const seen = new CloudOS().plain('GET', '/v1/nodes/detail', undefined, version(asked));
    expect([seen.status, told(seen).description]).toEqual([
      406,
      'Invalid value for X-OpenStack-Ironic-API-Version header',
    ]);
    expect(seen.headers).not.toHaveProperty('x-openstack-ironic-api-minimum-version');
  });

  it('may have another range, which the root tells without a token', () => {
    const cloud = new CloudOS();
    cloud.set({ minVersion: '1.20', maxVersion: '1.33' });
    expect(cloud.plain('GET', '/v1/nodes/detail').status).toBe(406);
    const root = cloud.plain('GET', '/', undefined, { 'x-auth-token': undefined });
    expect([root.status, root.body.default_version.min_version, root.body.default_version.version]).toEqual([
      200,
      '1.20',
      '1.33',
    ]);
    expect(cloud.plain('GET', '/v1', undefined, { 'x-auth-token': undefined, ...version('1.33') }).status).toBe(200);
  });

  it('1.1 knows neither names nor port groups, and begins in available', () => {
    const cloud = new CloudOS();
    const old = version('1.1');
    expect(cloud.plain('POST', '/v1/nodes', { driver: 'ipmi', name: 'n1' }, old).status).toBe(406);
    const { uuid } = cloud.plain('POST', '/v1/nodes', { driver: 'ipmi', uuid: UUID }, old).body;
    expect(cloud.node(uuid).provision_state).toBe('available');
    cloud.enroll({ name: 'n2' });
    expect(cloud.plain('GET', '/v1/nodes/n2', undefined, old).status).toBe(404);
    expect(cloud.plain('GET', '/v1/portgroups', undefined, old).status).toBe(404);
    const node = cloud.plain('GET', `/v1/nodes/${UUID}`, undefined, old).body;
    for (const name of ['name', 'resource_class', 'network_interface', 'storage_interface']) {
      expect(node).not.toHaveProperty(name);
    }
    expect(cloud.plain('GET', `/v1/nodes/${UUID}`, undefined, version('1.33')).body).toHaveProperty(
      'storage_interface',
    );
  });
});

describe('a path that is none', () => {
  it('is answered 404, 405 or 400, the first two without a version', () => {
    const cloud = new CloudOS();
    const unknown = cloud.plain('GET', '/v1/hc-bogus');
    expect([unknown.status, told(unknown)]).toEqual([404, { code: 404, title: 'Not Found', description: '' }]);
    const method = cloud.plain('PUT', '/v1/nodes');
    expect([method.status, told(method).title, method.headers.allow]).toEqual([405, 'Method Not Allowed', 'GET, POST']);
    for (const seen of [unknown, method]) expect(seen.headers).not.toHaveProperty('x-openstack-ironic-api-version');
    const below = cloud.plain('GET', '/v1/nodes/n1/hc-bogus');
    expect([below.status, told(below).faultstring]).toEqual([400, 'Field hc-bogus is not a valid field.']);
  });
});

describe('a list of nodes', () => {
  const three = (): [CloudOS, string[]] => {
    const cloud = new CloudOS();
    return [cloud, ['a', 'b', 'c'].map((name) => cloud.enroll({ name }).uuid)];
  };
  const names = (cloud: CloudOS, query: string): string[] =>
    cloud.plain('GET', `/v1/nodes/detail?${query}`).body.nodes.map((node: any) => node.name);

  it('comes in pages; a full one has a next, which may lead to nothing', () => {
    const [cloud, ids] = three();
    const seen: string[][] = [];
    let url: string | undefined = `${cloud.info.plainEndpoint}/v1/nodes/detail?limit=2`;
    while (url !== undefined && seen.length < 5) {
      expect(url.startsWith('http://sandbox/ironic/v1/nodes/detail?')).toBe(true);
      const { nodes, next }: any = cloud.plain('GET', url.slice(cloud.info.plainEndpoint.length)).body;
      seen.push(nodes.map((node: any) => node.uuid));
      url = next;
    }
    expect(seen).toEqual([ids.slice(0, 2), ids.slice(2)]);
    expect(cloud.plain('GET', '/v1/nodes/detail').body).not.toHaveProperty('next');
    const full = cloud.plain('GET', '/v1/nodes/detail?limit=3').body;
    const last = cloud.plain('GET', full.next.slice(cloud.info.plainEndpoint.length)).body;
    expect(last).toEqual({ nodes: [] });
  });

  it('is cut at the largest page without a word', () => {
    const [cloud] = three();
    cloud.set({ maxLimit: 2 });
    expect(names(cloud, 'limit=100')).toEqual(['a', 'b']);
    expect(names(cloud, '')).toEqual(['a', 'b']);
    expect(cloud.plain('GET', '/v1/nodes/detail').body.next).toContain('limit=2');
  });

  it('is filtered and sorted', () => {
    const [cloud, ids] = three();
    cloud.control('PATCH', `nodes/${ids[1]}`, { provision_state: 'active', maintenance: true });
    expect(names(cloud, 'provision_state=active')).toEqual(['b']);
    expect(names(cloud, 'maintenance=false')).toEqual(['a', 'c']);
    expect(names(cloud, 'associated=true')).toEqual([]);
    expect(names(cloud, 'sort_key=name&sort_dir=desc')).toEqual(['c', 'b', 'a']);
  });

  it.each([
    ['limit=0', 400],
    ['limit=-1', 400],
    ['limit=many', 400],
    ['bogus=1', 400],
    ['sort_key=bogus', 400],
    ['sort_dir=up', 400],
    ['fields=uuid', 400],
    ['marker=nope', 400],
    [`marker=${UUID}`, 404],
    ['provision_state=bogus', 400],
  ])('with %s is answered %i', (query, status) => {
    const [cloud] = three();
    const seen = cloud.plain('GET', `/v1/nodes/detail?${query}`);
    expect([seen.status, told(seen).faultcode]).toEqual([status, 'Client']);
  });

  it('without detail is short, or has the fields that are asked for', () => {
    const [cloud, ids] = three();
    const [short] = cloud.plain('GET', '/v1/nodes').body.nodes;
    expect(Object.keys(short).sort()).toEqual([
      'instance_uuid',
      'links',
      'maintenance',
      'name',
      'power_state',
      'provision_state',
      'uuid',
    ]);
    const [some] = cloud.plain('GET', '/v1/nodes?fields=uuid,extra').body.nodes;
    expect(Object.keys(some).sort()).toEqual(['extra', 'links', 'uuid']);
    expect(cloud.plain('GET', '/v1/nodes?fields=bogus').status).toBe(500);
    expect(cloud.plain('GET', `/v1/nodes/${ids[0]}?fields=bogus`).status).toBe(400);
  });
});
