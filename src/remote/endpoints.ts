import { BlockList, isIP } from 'node:net';

export interface EndpointRules {
  /**
   * Hosts that may be called: `host` (the scheme's own port) or `host:port`; `*` stands for any run of characters
   * without a dot, as a port for any port. None allows none.
   */
  patterns: readonly string[];
  /** Allows `http` and loopback addresses, which still have to match a pattern. */
  insecure: boolean;
}

/** Why a URL may not be called, or undefined when it may. */
export type AllowedEndpoint = (url: URL) => string | undefined;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addSubnet('0.0.0.0', 8); // reaches the local host on Linux
loopback.addAddress('::1', 'ipv6');
loopback.addAddress('::', 'ipv6');

/**
 * The check of --allowed-endpoints: credentials leave for no other host. It looks at the URL, not at what a name resolves
 * to. Throws on a pattern that could never match.
 */
export function allowedEndpoints(rules: EndpointRules): AllowedEndpoint {
  const matchers = rules.patterns.map(matcher);
  return (url) => {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${url.protocol} is neither https nor http`;
    if (url.username !== '' || url.password !== '') return 'it holds a user name or password';
    if (url.search !== '' || url.hash !== '') return 'it holds a query or fragment';
    if (!rules.insecure && url.protocol === 'http:') return 'http is not allowed without --allow-insecure-endpoints';
    if (!rules.insecure && isLoopback(url.hostname)) {
      return `${url.hostname} is a loopback address, not allowed without --allow-insecure-endpoints`;
    }
    if (matchers.length === 0) return `${url.host} is not allowed: --allowed-endpoints is empty`;
    if (matchers.some((matches) => matches(url))) return undefined;
    return `${url.host} is not among the allowed endpoints (${rules.patterns.join(', ')})`;
  };
}

function matcher(pattern: string): (url: URL) => boolean {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9.*-]+)(?::(\d{1,5}|\*))?$/i.exec(pattern);
  if (parts === null) {
    throw new Error(`allowed endpoint "${pattern}" is not of the form host or host:port, with * for a part of a name`);
  }
  const [, host = '', port] = parts;
  const hostPattern = new RegExp(
    `^${host
      .toLowerCase()
      .replaceAll(/[.[\]]/g, '\\$&')
      .replaceAll(/\*+/g, '[^.]*')}$`,
  );
  return (url) => hostPattern.test(url.hostname) && (port === '*' || portOf(url) === (port ?? defaultPort(url)));
}

function portOf(url: URL): string {
  return url.port === '' ? defaultPort(url) : url.port;
}

function defaultPort(url: URL): string {
  return url.protocol === 'https:' ? '443' : '80';
}

function isLoopback(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(address);
  if (family !== 0) return loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
  return /(^|\.)localhost\.?$/.test(hostname);
}
