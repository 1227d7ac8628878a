import { describeCrashes } from '../bare-metal/crashes.ts';
import { sandboxCloud } from '../bare-metal/sandbox.ts';

describeCrashes('at the gateway', sandboxCloud('seed'));
describeCrashes('at a plain Ironic', sandboxCloud('plain'));
