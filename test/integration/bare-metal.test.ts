import { describeLife } from '../bare-metal/life.ts';
import { describeMistakes } from '../bare-metal/mistakes.ts';
import { describeSafety } from '../bare-metal/safety.ts';
import { sandboxCloud } from '../bare-metal/sandbox.ts';

const open = sandboxCloud('plain');
describeLife('at a plain Ironic', open);
describeSafety('at a plain Ironic', open);
describeMistakes('at a plain Ironic', open);
describeLife('at a gateway with the codes of Ironic', sandboxCloud('ironic'));
