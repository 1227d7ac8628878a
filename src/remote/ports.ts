import type { AllowedEndpoint } from './endpoints.ts';
import type { ObservedExchange } from './exchange.ts';
import type { AuditRecord } from './session.ts';
import type { RemoteTransport } from './transport.ts';

/** What the composition root hands to every provider's sessions. `tenant` is the key of the remote tenant. */
export interface RemotePorts {
  transport: RemoteTransport;
  allowed: AllowedEndpoint;
  observe: (tenant: string, exchange: ObservedExchange) => void;
  audit: (tenant: string, record: AuditRecord) => void;
  /** Milliseconds for a read with its retries. */
  readDeadline: number;
  /** Milliseconds for one mutating exchange. */
  writeDeadline: number;
}
