import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { type Clock, systemClock } from '../base/clock.ts';

/** TLS material of one connection. The same object as long as nothing in it changed. */
export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
}

export interface Credentials {
  /** Authorization and impersonation headers. Never to be logged. */
  headers: Record<string, string>;
  tls: TlsOptions;
}

/** Where the API server is, and what to show it. */
export interface KubeConnection {
  server: URL;
  /** Namespace of the context, or the one that the pod runs in; `default` when neither says. */
  namespace: string;
  /**
   * What to send with the next request. `rejected` are credentials that a 401 refused: they are read again from their
   * source (rotated token file, exec plugin, kubeconfig) unless somebody did so meanwhile.
   */
  credentials(rejected?: Credentials): Promise<Credentials>;
}

export interface KubeConnectionOptions {
  /** Path of a kubeconfig. Absent: `KUBECONFIG`, `~/.kube/config`, then the pod's service account, as kubectl does. */
  kubeconfig?: string;
  /** Context of that kubeconfig; default its current one. */
  context?: string;
  clock?: Clock;
}

/** How long credentials are used before their source is asked again (it keeps its own time for files and plugins), ms. */
const maxAge = 30_000;

/** Reads the kubeconfig or the service account. Throws when there is none, or when it would give up verified TLS. */
export function kubeConnection({ kubeconfig, context, clock }: KubeConnectionOptions): KubeConnection {
  return connectionFrom(() => {
    const config = new KubeConfig();
    if (kubeconfig) {
      config.loadFromFile(kubeconfig);
    } else {
      config.loadFromDefault();
    }
    if (context) {
      config.setCurrentContext(context);
    }
    return config;
  }, clock);
}

/** `load` reads the source from scratch: with it go the tokens that client-node remembers. */
export function connectionFrom(load: () => KubeConfig, clock: Clock = systemClock): KubeConnection {
  let config = load();
  const server = serverOf(config);
  let current: { credentials: Credentials; readAt: number } | undefined;
  let reading: Promise<Credentials> | undefined;
  let tls: TlsOptions = {};

  async function read(): Promise<Credentials> {
    const options: RequestOptions & { servername?: string } = {};
    await config.applyToHTTPSOptions(options);
    const read: TlsOptions = {
      ca: text(options.ca),
      cert: text(options.cert),
      key: text(options.key),
      servername: options.servername,
    };
    if (JSON.stringify(read) !== JSON.stringify(tls)) {
      tls = read;
    }
    const credentials = { headers: headersOf(options), tls };
    current = { credentials, readAt: clock.monotonic() };
    return credentials;
  }

  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || 'default',
    async credentials(rejected) {
      if (rejected && rejected === current?.credentials) {
        current = undefined;
        config = load();
      }
      if (current && clock.monotonic() - current.readAt < maxAge) {
        return current.credentials;
      }
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

function serverOf(config: KubeConfig): URL {
  const name = config.getCurrentContext();
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    throw new Error(`kubeconfig has no cluster for its context ${JSON.stringify(name ?? '')}`);
  }
  // What client-node falls back to when it finds no configuration at all.
  if (cluster.server === 'http://localhost:8080') {
    throw new Error('no kubeconfig was found, and this is no pod with a service account: give --kubeconfig');
  }
  if (cluster.skipTLSVerify) {
    throw new Error('kubeconfig says insecure-skip-tls-verify: TLS is always verified, give certificate-authority');
  }
  if (cluster.proxyUrl) {
    throw new Error('kubeconfig says proxy-url, which is not supported');
  }
  const server = new URL(cluster.server);
  if (server.protocol !== 'https:') {
    throw new Error(`kubeconfig's server ${cluster.server} is not https`);
  }
  return server;
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file often ends with a newline, which no header may hold.
    headers[name.toLowerCase()] = String(value).trim();
  }
  if (options.auth) {
    headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return headers;
}

function text(pem: unknown): string | undefined {
  return Buffer.isBuffer(pem) ? pem.toString('utf8') : typeof pem === 'string' ? pem : undefined;
}
