import type { Obstacle } from '../../engine/kind.ts';
import type { Reason } from '../../engine/reasons.ts';
import type { RemoteError } from '../../remote/errors.ts';

/** Refusals that mean more than their status, by the words of Ironic 21.4 and of its releases since Pike. */
const meanings: [statuses: number[], words: RegExp, reason: Reason, advice: string][] = [
  [[409], /is locked by host/i, 'Locked', 'the node is locked while the remote works on it; trying again'],
  [
    [400, 404],
    /which supports driver|could not find the following driver|(driver|hardware type)\b.*\b(not found|not enabled|is not supported|could not be loaded)/i,
    'DriverUnknown',
    'no conductor serves this driver; correct spec.driver, or enable the driver at the remote',
  ],
  [
    [400, 409],
    /while it is in (provision )?state|can ?not (be|have) .*(updated|associated)|state transition is in progress|in maintenance mode/i,
    'NotChangeableNow',
    'the remote does not allow it in the present state; it follows once the state does',
  ],
  [
    [409],
    /physical network|standalone ports/i,
    'NotChangeableNow',
    'ports of one group are in one physical network, and where it supports no standalone ports none of them boots from the network; correct spec.ports',
  ],
  [
    [400],
    /\b(node|portgroup) \S+ could not be found/i,
    'NotFound',
    'what it belongs to is not there now; looking again',
  ],
  [
    [400, 409, 500],
    /contains ports|foreign key/i,
    'NotChangeableNow',
    'a port that this resource does not name is still in the port group; take it out at the remote',
  ],
];

/** What a refusal of Ironic means, or undefined: as its status says. */
export function explain(error: RemoteError): Obstacle | undefined {
  const meaning = meanings.find(
    ([statuses, words]) => statuses.includes(error.status ?? 0) && words.test(error.message),
  );
  return meaning && { reason: meaning[2], message: `${meaning[3]} (${error.message})` };
}
