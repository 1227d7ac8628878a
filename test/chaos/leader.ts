import { last, type Law } from './records.ts';

/** A call is over by then, and written down, milliseconds. */
const answered = 90_000;

/** Every change began under the lease of the process that sent it. */
export const leaderOnly: Law = ({ passed, audits, tenures, slack }) => {
  // Whose a token is follows from the audit lines: each speaks of a call that went by shortly before. Some speak of one that
  // was never sent, so a single line proves nothing.
  const votes = new Map<string, Map<string, number>>();
  for (const audit of audits) {
    const call = passed.findLast(
      ({ at, method, path }) =>
        at <= audit.at && at > audit.at - answered && method === audit.method && path.endsWith(`/${audit.path}`),
    );
    if (!call) continue;
    const of = votes.get(call.token) ?? new Map<string, number>();
    votes.set(call.token, of.set(audit.holder, (of.get(audit.holder) ?? 0) + 1));
  }
  const holderOf = (token: string) => {
    const [most, next] = [...(votes.get(token) ?? [])].sort(([, one], [, other]) => other - one);
    return most && most[1] >= 3 && (!next || most[1] > 3 * next[1]) ? most[0] : undefined;
  };
  const found: string[] = [];
  for (const call of passed) {
    const holder = holderOf(call.token);
    if (holder === undefined) continue;
    const since = tenures.filter((one) => one.holder === holder && one.acquiredAt <= call.at);
    const own = last(since)?.acquiredAt;
    const next = tenures.find((one) => one.holder !== holder && own !== undefined && one.acquiredAt > own);
    if (own === undefined || (next && call.at > next.acquiredAt + slack))
      found.push(
        `${call.method} ${call.path} of ${holder} at ${new Date(call.at).toISOString()}: ${own === undefined ? 'it never held the lease' : `${next?.holder} held the lease since ${new Date(next!.acquiredAt).toISOString()}`}`,
      );
  }
  return found;
};
