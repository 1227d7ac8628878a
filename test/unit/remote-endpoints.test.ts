import { describe, expect, test } from 'vitest';
import { allowedEndpoints } from '../../src/remote/endpoints.ts';

const ntt = 'dedicated-hypervisor-*-ecl.api.ntt.com';

function check(url: string, patterns: string[], insecure = false): string | undefined {
  return allowedEndpoints({ patterns, insecure })(new URL(url));
}

describe('allowed endpoints', () => {
  test.each([
    ['https://dedicated-hypervisor-jp1-ecl.api.ntt.com/v1.0/aaa', [ntt]],
    ['https://DEDICATED-hypervisor-jp1-ecl.api.ntt.com:443/', [ntt]],
    ['https://api.ntt.com/keystone/v3', [ntt, 'api.ntt.com']],
    ['https://cloudos.example:8443/', ['cloudos.example:8443']],
    ['https://cloudos.example:9/', ['cloudos.example:*']],
    ['https://[2001:db8::1]:8443/', ['[2001:db8::1]:8443']],
  ])('%s is allowed', (url, patterns) => {
    expect(check(url, patterns)).toBeUndefined();
  });

  test.each([
    ['https://dedicated-hypervisor-x.evil.example/-ecl.api.ntt.com', [ntt]],
    ['https://dedicated-hypervisor-x.evil.example.-ecl.api.ntt.com/', [ntt]],
    ['https://dedicated-hypervisor-jp1-ecl.api.ntt.com.evil.example/', [ntt]],
    ['https://dedicated-hypervisor-jp1-eclxapi.ntt.com/', [ntt]],
    ['https://dedicated-hypervisor-jp1-ecl.api.ntt.com./', [ntt]],
    ['https://dedicated-hypervisor-jp1-ecl.api.ntt.com:8443/', [ntt]],
    ['https://cloudos.example/', ['cloudos.example:8443']],
    ['https://a.b.example/', ['*.example']],
    ['https://api.ntt.com/', []],
  ])('%s is refused', (url, patterns) => {
    expect(check(url, patterns, true)).toContain('allowed');
  });

  test('an empty list says so', () => {
    expect(check('https://api.ntt.com/', [])).toBe('api.ntt.com is not allowed: --allowed-endpoints is empty');
  });

  test.each([
    'http://cloudos.example/',
    'https://127.0.0.1/',
    'https://127.9.9.9/',
    'https://2130706433/',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://x.localhost/',
  ])('%s needs --allow-insecure-endpoints even when it is listed', (url) => {
    const patterns = [new URL(url).host.replace(/\.$/, ''), 'localhost', '*'];
    expect(check(url, patterns)).toContain('--allow-insecure-endpoints');
  });

  test('http and loopback pass when insecure is allowed and they are listed', () => {
    expect(check('http://127.0.0.1:1234/v3', ['127.0.0.1:*'], true)).toBeUndefined();
    expect(check('http://127.0.0.1:1234/v3', ['127.0.0.1:1235'], true)).toContain('127.0.0.1:1235');
  });

  test.each(['https://user:pass@api.ntt.com/', 'https://api.ntt.com/?x=1', 'ftp://api.ntt.com/'])(
    '%s is refused for its form, without quoting it',
    (url) => {
      const reason = check(url, ['api.ntt.com'], true);
      expect(reason).toBeDefined();
      expect(reason).not.toContain('pass@');
    },
  );

  test.each(['https://api.ntt.com', 'api.ntt.com/v1', '', 'a b', 'host:port'])(
    'the pattern %j is refused at the start',
    (pattern) => {
      expect(() => allowedEndpoints({ patterns: [pattern], insecure: true })).toThrow(/host:port/);
    },
  );
});
