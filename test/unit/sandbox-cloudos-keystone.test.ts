import { describe, expect, it } from 'vitest';
import { CloudOS } from './sandbox-cloudos.ts';

const refused = {
  error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
};

describe('the Keystone of CloudOS', () => {
  it('signs in by user name, password and domain, to a project by name and domain or by ID', () => {
    const cloud = new CloudOS();
    const byName = cloud.signIn();
    expect([byName.status, byName.headers['x-subject-token']]).toEqual([201, expect.stringMatching(/^[0-9a-f]{32}$/)]);
    const { project, user, roles, is_domain: isDomain } = byName.body.token;
    expect(project).toEqual({ id: expect.any(String), name: 'admin', domain: { id: 'default', name: 'Default' } });
    expect([user.name, user.domain.id, roles[0].name, isDomain]).toEqual(['admin', 'default', 'admin', false]);
    expect(project.id).toMatch(/^[0-9a-f]{32}$/);
    expect(cloud.signIn({ domain: { id: 'default' } }, { name: undefined, id: project.id }).status).toBe(201);
    expect(cloud.signIn({ name: undefined, id: user.id }).status).toBe(201);
  });

  it('has the plain endpoint of Ironic in its catalogue, on every interface', () => {
    const cloud = new CloudOS();
    const { catalog } = cloud.signIn().body.token;
    const ironic = catalog.find((service: any) => service.type === 'baremetal');
    expect(ironic.endpoints.map(({ interface: face, region, url }: any) => [face, region, url])).toEqual(
      ['public', 'internal', 'admin'].map((face) => [face, 'RegionOne', cloud.info.plainEndpoint]),
    );
  });

  it('refuses every wrong part of the credentials in the same words', () => {
    const cloud = new CloudOS();
    const wrong = [
      cloud.signIn({ password: 'wrong' }),
      cloud.signIn({ name: 'nobody' }),
      cloud.signIn({ domain: { name: 'Other' } }),
      cloud.signIn({ domain: undefined }),
      cloud.signIn({}, { name: 'unknown' }),
      cloud.signIn({}, { domain: { id: 'other' } }),
      cloud.signIn({}, { name: undefined, id: 'f'.repeat(32) }),
    ];
    for (const seen of wrong) expect([seen.status, seen.body]).toEqual([401, refused]);
    expect(cloud.send('POST', '/cloudos/keystone/v3/auth/tokens', {}, {}).status).toBe(400);
  });

  it('is not the Keystone of SDPF: neither users nor tokens of the one are good at the other', () => {
    const cloud = new CloudOS();
    const { sdpf } = cloud.sandbox.info('http://sandbox');
    const asTenant = { name: sdpf.apiKey, password: sdpf.apiSecret };
    expect(cloud.signIn(asTenant, { name: undefined, id: sdpf.tenantID }).status).toBe(401);
    const user = { ...asTenant, domain: { id: 'default' } };
    const unscoped = { auth: { identity: { methods: ['password'], password: { user } } } };
    expect(cloud.send('POST', '/cloudos/keystone/v3/auth/tokens', unscoped, {}).status).toBe(401);
    const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { id: sdpf.tenantID } } };
    const token = cloud.send('POST', '/keystone/v3/auth/tokens', { auth }, {}).headers['x-subject-token'];
    expect(cloud.plain('GET', '/v1/nodes', undefined, { 'x-auth-token': token }).status).toBe(401);
  });

  it('lets a second project in, and forgets a password that was changed', () => {
    const cloud = new CloudOS();
    const other = { project: 'lab', domain: 'Lab', username: 'op', password: 'one' };
    cloud.control('POST', 'tenants', other);
    const user = { name: 'op', password: 'one', domain: { name: 'Lab' } };
    const project = { name: 'lab', domain: { name: 'Lab' } };
    const token = cloud.signIn(user, project).headers['x-subject-token'];
    expect(cloud.plain('GET', '/v1/nodes', undefined, { 'x-auth-token': token }).status).toBe(200);
    expect(cloud.signIn(user, {}).status).toBe(401);
    cloud.control('PUT', 'credentials', { ...other, password: 'two' });
    expect(cloud.plain('GET', '/v1/nodes', undefined, { 'x-auth-token': token }).status).toBe(401);
    expect([cloud.signIn(user, project).status, cloud.signIn({ ...user, password: 'two' }, project).status]).toEqual([
      401, 201,
    ]);
  });
});

describe('a token', () => {
  it.each([undefined, 'unknown', 'expired'])('that is %s is refused by each door in its own words', (kind) => {
    const cloud = new CloudOS();
    if (kind === 'expired') cloud.later(3601);
    const headers = kind === 'expired' ? {} : { 'x-auth-token': kind };
    const plain = cloud.plain('GET', '/v1/nodes/detail', undefined, headers);
    expect([plain.status, plain.body]).toEqual([401, refused]);
    expect(plain.headers['www-authenticate']).toMatch(/^Keystone uri="http:/);
    const gateway = cloud.gateway('GET', '/v1/nodes/detail', undefined, headers);
    expect(gateway.status).toBe(401);
    expect(gateway.body).toEqual({ code: '401', msg: 'Unauthorized', data: null, total: 0 });
  });

  it('without a project opens nothing', () => {
    const cloud = new CloudOS();
    const user = { name: 'admin', password: 'sandbox-password', domain: { id: 'default' } };
    const auth = { identity: { methods: ['password'], password: { user } } };
    const token = cloud.send('POST', '/cloudos/keystone/v3/auth/tokens', { auth }, {}).headers['x-subject-token'];
    expect(token).toBeDefined();
    expect(cloud.plain('GET', '/v1/nodes', undefined, { 'x-auth-token': token }).status).toBe(401);
  });
});
