import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectionFrom, kubeConnection } from '../../src/kube/config.ts';
import { createTestClock } from '../support/clock.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'freehold-kubeconfig-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** A kubeconfig of one cluster, user and context, as a file. JSON is YAML. */
function kubeconfig(cluster: object, user: object, context: object = {}): string {
  const file = path.join(directory, 'config');
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'main' },
    clusters: [{ name: 'c', cluster: { server: 'https://10.1.2.3:6443/', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', ...context } }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a kubeconfig file', () => {
  test('gives server, namespace, token and TLS material', async () => {
    writeFileSync(path.join(directory, 'client.key'), 'the key');
    const connection = kubeConnection({
      kubeconfig: kubeconfig(
        { 'certificate-authority-data': base64('the CA'), 'tls-server-name': 'kube.example' },
        { token: 't-1', 'client-certificate-data': base64('the cert'), 'client-key': 'client.key', as: 'someone' },
        { namespace: 'shop' },
      ),
    });
    expect(connection.server.href).toBe('https://10.1.2.3:6443/');
    expect(connection.namespace).toBe('shop');
    expect(await connection.credentials()).toEqual({
      headers: { authorization: 'Bearer t-1', 'impersonate-user': 'someone' },
      tls: { ca: 'the CA', cert: 'the cert', key: 'the key', servername: 'kube.example' },
    });
  });

  test('is read again when its token was refused, and only then; TLS material that stayed is the same object', async () => {
    const file = kubeconfig({ 'certificate-authority-data': base64('the CA') }, { token: 'old' });
    const connection = kubeConnection({ kubeconfig: file });
    const first = await connection.credentials();
    kubeconfig({ 'certificate-authority-data': base64('the CA') }, { token: 'new' });
    expect(await connection.credentials()).toBe(first);
    const [second, third] = await Promise.all([connection.credentials(first), connection.credentials(first)]);
    expect(second?.headers.authorization).toBe('Bearer new');
    expect(third).toBe(second);
    expect(second?.tls).toBe(first.tls);
  });

  test.each([
    ['gives up verified TLS', { 'insecure-skip-tls-verify': true }, /TLS is always verified/],
    ['is not https', { server: 'http://10.1.2.3:8080' }, /is not https/],
    ['asks for a proxy', { 'proxy-url': 'http://proxy:3128' }, /proxy-url/],
  ])('that %s is refused', (_, cluster, message) => {
    expect(() => kubeConnection({ kubeconfig: kubeconfig(cluster, { token: 't' }) })).toThrow(message);
  });

  test('whose context does not exist is refused by name', () => {
    const file = kubeconfig({}, { token: 't' });
    expect(() => kubeConnection({ kubeconfig: file, context: 'other' })).toThrow(/context "other"/);
  });

  test('that is nowhere is said in one sentence', () => {
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('HOME', directory);
    expect(() => kubeConnection({})).toThrow(/no kubeconfig was found/);
  });
});

describe('a pod', () => {
  const root = 'var/run/secrets/kubernetes.io/serviceaccount';

  test('takes the service account, and its token anew when that was rotated', async () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
    const mount = path.join(directory, root);
    mkdirSync(mount, { recursive: true });
    writeFileSync(path.join(mount, 'ca.crt'), 'the CA');
    writeFileSync(path.join(mount, 'namespace'), 'freehold-system\n');
    writeFileSync(path.join(mount, 'token'), 'first\n');
    const clock = createTestClock();
    const connection = connectionFrom(() => {
      const config = new KubeConfig();
      config.loadFromCluster(directory);
      return config;
    }, clock);
    expect([connection.server.href, connection.namespace]).toEqual(['https://[fd00::1]/', 'freehold-system']);
    const first = await connection.credentials();
    expect(first).toMatchObject({ headers: { authorization: 'Bearer first' }, tls: { ca: 'the CA' } });

    writeFileSync(path.join(mount, 'token'), 'second\n');
    expect((await connection.credentials(first)).headers.authorization).toBe('Bearer second');

    // Without a 401: the file is read again about every minute.
    writeFileSync(path.join(mount, 'token'), 'third\n');
    clock.advance(90_000);
    vi.setSystemTime(Date.now() + 90_000);
    try {
      expect((await connection.credentials()).headers.authorization).toBe('Bearer third');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('an exec plugin', () => {
  test('is asked once, again when what it gave expired, and again when that was refused', async () => {
    const count = path.join(directory, 'count');
    const expiry = path.join(directory, 'expiry');
    writeFileSync(expiry, new Date(Date.now() + 3_600_000).toISOString());
    const script = `echo . >> ${count}; printf '{"status":{"token":"t-%s","expirationTimestamp":"%s"}}' $(wc -l < ${count}) $(cat ${expiry})`;
    const clock = createTestClock();
    const file = kubeconfig({}, { exec: { command: 'sh', args: ['-c', script] } });
    const connection = kubeConnection({ kubeconfig: file, clock });
    const token = async (rejected?: Awaited<ReturnType<typeof connection.credentials>>) =>
      (await connection.credentials(rejected)).headers.authorization;
    expect(await token()).toBe('Bearer t-1');
    clock.advance(60_000);
    expect(await token()).toBe('Bearer t-1');
    writeFileSync(expiry, new Date(Date.now() - 1_000).toISOString());
    expect(await token(await connection.credentials())).toBe('Bearer t-2');
    clock.advance(60_000);
    expect(await token()).toBe('Bearer t-3');
  });
});
