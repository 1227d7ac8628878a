import { expect } from 'vitest';
import { finalizer } from '../../src/engine/annotations.ts';
import type { Resource } from '../../src/engine/resource.ts';
import type { LoggedCall, Scenario } from './scenario.ts';

type Server = Awaited<ReturnType<Scenario['sandbox']['servers']>>[number];

/** What a person does by kubectl and in the portal, and looks at. */
export interface Hands {
  /** Fails the test when kubectl does. Returns what it prints. */
  kubectl(...args: string[]): Promise<string>;
  /** Asks for the deletion of a server's resource, and does not wait. */
  remove(name: string, ...more: string[]): Promise<string>;
  /** `what` is `kind/name`. */
  annotate(what: string, ...words: string[]): Promise<string>;
  patch(what: string, patch: object): Promise<string>;
  /** status.externalID */
  idOf(name: string): Promise<string>;
  /** Nobody asked for the end of this server. */
  stands(id: string): Promise<boolean>;
  /** All servers that were ever bought under this name. */
  named(name: string): Promise<Server[]>;
  /** Calls about one server. */
  about(operation: string, id: string): Promise<LoggedCall[]>;
  secret(name: string): Promise<Resource | undefined>;
  /** Does our finalizer hold it? */
  held(name: string): Promise<boolean>;
  portal: {
    /** It is gone at once. */
    delete(id: string): Promise<unknown>;
    /** The platform works on its end. */
    deleting(id: string): Promise<unknown>;
  };
}

/** When a call was logged, by the scenario's clock. */
export const callTime = (call: LoggedCall | undefined) => Date.parse(call?.at ?? '');

export function handsOf(s: Scenario): Hands {
  const kubectl = async (...args: string[]) => {
    const { code, stdout, stderr } = await s.kubectl(args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const ledger = () => s.sandbox.servers();
  return {
    kubectl,
    remove: (name, ...more) => kubectl('delete', 'dh', name, '--wait=false', ...more),
    annotate: (what, ...words) => kubectl('annotate', ...what.split('/'), '--overwrite', ...words),
    patch: (what, patch) => kubectl('patch', what, '--type=merge', '-p', JSON.stringify(patch)),
    idOf: async (name) => (await s.get('dh', name))!.status!.externalID!,
    stands: async (id) => (await ledger()).some((one) => one.id === id && one.deletedAt === undefined),
    named: async (name) => (await ledger()).filter((one) => one.name === name),
    about: async (operation, id) => (await s.sandbox.calls(operation)).filter(({ path }) => path.endsWith(id)),
    secret: (name) => s.get('secret', name),
    held: async (name) => (await s.get('dh', name))?.metadata.finalizers?.includes(finalizer) === true,
    portal: {
      delete: (id) => s.sandbox.control('DELETE', `servers/${id}`),
      deleting: (id) => s.sandbox.control('PATCH', `servers/${id}`, { taskState: 'DELETING' }),
    },
  };
}
