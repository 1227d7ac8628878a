import type { Process } from './process.ts';

/** Writes a line into the trace: what happened, to whom. The text is only made where somebody reads it. */
export type Tell = (who: Process | string, text: () => string) => void;

/** `lines` where somebody wants to read what happened. */
export function traceTo(lines: string[] | undefined, now: () => number): Tell {
  if (!lines) return () => {};
  return (who, text) => {
    const name = typeof who === 'string' ? who : who.name;
    lines.push(`${(now() / 1000).toFixed(3).padStart(10)}  ${name.padEnd(14)} ${text()}`);
  };
}
