import type { Rule } from '../../engine/structural.ts';

/** Ironic 21.4: the path of a JSON patch is made of these characters only, so no other key could ever be changed. */
export const patchableKeys: Rule = {
  rule: "self.all(key, key.matches('^[A-Za-z0-9_-]+$'))",
  message: 'a key is made of letters, digits, _ and -, for the API takes no change of another',
};
