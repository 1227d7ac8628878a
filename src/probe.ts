import { type Clock, sleep } from './base/clock.ts';

/** Between two questions, and how long one may take, milliseconds. */
const interval = 1000;
const deadline = 5000;

/**
 * Asks /healthz and /readyz at `url` until both answer 200, at most for `patience` milliseconds. Returns a line for each;
 * throws with the last answer. For `helm test`: an image without a shell has nothing else to ask with.
 */
export async function probeUntilWell(how: { url: string; patience: number; clock: Clock }): Promise<string[]> {
  const { clock, url } = how;
  const end = clock.monotonic() + how.patience;
  // Timers do not keep the process alive.
  const alive = setInterval(() => undefined, 2 ** 30);
  try {
    for (;;) {
      const answers = await Promise.all(['/healthz', '/readyz'].map((path) => ask(new URL(path, url))));
      if (answers.every(({ well }) => well)) return answers.map(({ text }) => text);
      if (clock.monotonic() >= end) {
        const ill = answers.filter(({ well }) => !well).map(({ text }) => text);
        throw new Error(`not well after ${how.patience / 1000} s: ${ill.join('; ')}`);
      }
      await sleep(clock, interval);
    }
  } finally {
    clearInterval(alive);
  }
}

async function ask(url: URL): Promise<{ well: boolean; text: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(deadline), redirect: 'error' });
    const words = (await response.text()).trim();
    return { well: response.status === 200, text: `${url.pathname}: ${response.status} ${words}` };
  } catch (error) {
    const { message, cause } = error as Error;
    return { well: false, text: `${url.href}: ${cause instanceof Error ? cause.message || String(cause) : message}` };
  }
}
