import { describeCrashes } from '../bare-metal/crashes.ts';
import { realCloud } from '../bare-metal/ironic.ts';
import { sharedOpenStack } from '../support/openstack.ts';

describeCrashes('at a real Ironic', realCloud(sharedOpenStack));
