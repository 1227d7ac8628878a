import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passing {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** An HTTP gateway between operator and sandbox that sees everything and may answer in its stead. */
export interface Middleman {
  url: string;
  /** Answers instead of the sandbox where it returns something; `answer` asks the sandbox. */
  hook: (request: Passing, answer: () => Promise<Answered>) => Promise<Answered> | Answered;
  close(): Promise<void>;
}

/** On the loopback; without a hook it hands everything on unchanged. The Host header stays, so catalogue URLs name it. */
export async function startMiddleman(target: string): Promise<Middleman> {
  const middleman: Middleman = {
    url: '',
    hook: (_request, answer) => answer(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  async function forward({ method, path, headers, body }: Passing): Promise<Answered> {
    const { host, connection: _, 'content-length': __, 'transfer-encoding': ___, ...rest } = headers;
    const response = await fetch(new URL(path, target), {
      method,
      headers: { ...(rest as Record<string, string>) },
      ...(body !== '' && { body }),
    });
    const text = await response.text();
    const answered = { 'content-type': response.headers.get('content-type') ?? 'application/json' };
    const token = response.headers.get('x-subject-token');
    return {
      status: response.status,
      headers: { ...answered, ...(token !== null && { 'x-subject-token': token }) },
      // fetch sends the sandbox's own host: the URLs that it makes are to lead here again.
      body: text.replaceAll(new URL(target).host, host ?? ''),
    };
  }
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const passing = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      void (async () => {
        const answer = await middleman.hook(passing, () => forward(passing));
        response.writeHead(answer.status, answer.headers);
        response.end(answer.body);
      })().catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  middleman.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return middleman;
}
