import { describeLife } from '../bare-metal/life.ts';
import { describeMistakes } from '../bare-metal/mistakes.ts';
import { realCloud } from '../bare-metal/ironic.ts';
import { describeSafety } from '../bare-metal/safety.ts';
import { sharedOpenStack } from '../support/openstack.ts';

const open = realCloud(sharedOpenStack);
describeLife('at a real Ironic', open);
describeSafety('at a real Ironic', open);
describeMistakes('at a real Ironic', open);
