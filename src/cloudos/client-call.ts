import type { Call } from '../remote/call.ts';

/** How a tenant reaches its bare-metal API. */
export interface BareMetalAPI {
  /** Where the gateway has it, e.g. `/os/kinton/v1`; empty for an Ironic without the gateway. */
  paths: { baremetal: string };
  /** API version of Ironic to ask for, e.g. `1.34`. */
  microversion: string;
}

/** Below `/v1` of Ironic. */
export type IronicCall<T> = Omit<Call<T>, 'headers' | 'accept'>;

/**
 * Makes calls of the bare-metal API: the same for the gateway and for a plain Ironic, but for the path before Ironic's own
 * and the gateway's headers.
 */
export function ironicCalls({ paths, microversion }: BareMetalAPI) {
  const prefix = paths.baremetal.replace(/^\/+|\/+$/g, '');
  const headers = {
    'X-OpenStack-Ironic-API-Version': microversion,
    // The gateway routes by the first (seed 004 L12243) and demands the second of every request (L25).
    ...(prefix !== '' && { 'H3CloudOS-Core-Target': 'bare_metal', 'content-type': 'application/json' }),
  };
  return <T>(call: IronicCall<T>): Call<T> => ({
    ...call,
    path: `${prefix === '' ? '' : `${prefix}/`}v1/${call.path}`,
    headers,
    // Seed 004 L33: what is answered without a body must not carry Accept.
    ...(call.answer === undefined && { accept: false as const }),
  });
}

export type MakeCall = ReturnType<typeof ironicCalls>;
