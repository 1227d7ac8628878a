import { type Bug, every, node, server } from './bug.ts';

const file = 'src/engine/secrets.ts';

/** Passwords and keys: kept, and kept secret. */
export const secretBugs: readonly Bug[] = [
  {
    name: 'password-stored-after-the-create',
    law: 7,
    kinds: server,
    edits: [
      {
        file,
        find: 'export function createSecrets(kube: KubeApi): Secrets {',
        replace: `export const storeLater = new WeakMap<object, () => Promise<unknown>>();

export function createSecrets(kube: KubeApi): Secrets {`,
      },
      {
        file,
        find: `      const data = { [need.key]: need.generate?.(bytes).reveal() ?? '' };
      return understand(await make(namespace, need.name, data, owner, uid), [need.key]);`,
        replace: `      const value = need.generate!(bytes);
      storeLater.set(value, () => make(namespace, need.name, { [need.key]: value.reveal() }, owner, uid));
      return {
        ok: true,
        values: { [need.key]: value },
        version: { uid: '', resourceVersion: '' },
        owner,
        finalizers: [],
      };`,
      },
      {
        file: 'src/engine/create.ts',
        find: "import type { SecretVersion } from './secrets.ts';",
        replace: "import { type SecretVersion, storeLater } from './secrets.ts';",
      },
      {
        file: 'src/engine/create.ts',
        find: '      memory.proved = collected.versions;\n',
        replace: `      for (const value of Object.values(collected.values)) await storeLater.get(value)?.();
      memory.proved = collected.versions;
`,
      },
    ],
    why: 'A crash at the wrong moment leaves a server whose root password nobody knows.',
  },
  {
    name: 'password-made-anew-on-re-attach',
    law: 7,
    kinds: server,
    edits: [
      {
        file: 'src/engine/settle.ts',
        find: "import { ownerOf, refusal } from './identify.ts';",
        replace: "import { ownerOf, refusal } from './identify.ts';\nimport { ownerText } from './owner.ts';",
      },
      {
        file: 'src/engine/settle.ts',
        find: '  pass.resource = await context.journal.record(kind, pass.resource, id, outcome, lastResolve);\n',
        replace: `  const { namespace = '', name: own, uid } = pass.resource.metadata;
  for (const { generate, name, key } of Object.values(kind.secrets?.(pass.resource.spec as never, own) ?? {})) {
    const value = generate?.(context.random.bytes);
    if (value) await context.secrets.publish(namespace, { name, key, value }, ownerText(pass.owner), uid);
  }
  pass.resource = await context.journal.record(kind, pass.resource, id, outcome, lastResolve);
`,
      },
    ],
    why: 'A rebuilt cluster finds its server again and overwrites the only copy of its password.',
  },
  {
    name: 'secret-of-a-person-overwritten',
    law: 7,
    kinds: every,
    edits: [
      {
        file,
        find: '      if (existing.metadata.annotations?.[ownerAnnotation] !== owner) return notOurs(namespace, name, owner);\n',
        replace: '',
      },
      {
        file,
        find: '      if (!existing || existing.metadata.annotations?.[ownerAnnotation] === owner) return undefined;\n',
        replace: '      if (existing || owner) return undefined;\n',
      },
    ],
    why: 'A Secret that happened to have the name of ours loses its content.',
  },
  {
    name: 'secret-of-a-person-deleted',
    law: 7,
    kinds: every,
    edits: [
      {
        file,
        find: 'if (secret?.metadata.annotations?.[ownerAnnotation] !== owner || secret.metadata.uid === undefined) return;',
        replace: 'if (secret?.metadata.uid === undefined) return;',
      },
    ],
    why: 'Deleting a server deletes a Secret that a person wrote.',
  },
  {
    name: 'password-removed-with-a-standing-server',
    law: 7,
    kinds: server,
    edits: [
      {
        file: 'src/engine/remove.ts',
        find: 'if (id === undefined && resource.status?.creation === undefined) await removeUnusedSecrets(pass);',
        replace: 'await removeUnusedSecrets(pass);',
      },
    ],
    why: 'A server that was retained stands for ever without anybody knowing its password.',
  },
  {
    name: 'password-in-the-log',
    law: 7,
    kinds: every,
    edits: [
      {
        file: 'src/engine/create.ts',
        find: '    context.begin(identifier);\n    const snapshot',
        replace: `    const values = Object.values(collected.values).map((value) => value.reveal());
    context.log.info({ resource: identifier, values }, 'creating');
    context.begin(identifier);
    const snapshot`,
      },
    ],
    why: 'Whoever may read logs may sign in.',
  },
  {
    name: 'password-in-a-message',
    law: 7,
    kinds: server,
    edits: [
      {
        file: 'src/engine/create.ts',
        find: '    return await created(pass, binding, memory.answered.id);',
        replace: `    const outcome = await created(pass, binding, memory.answered.id);
    const words = Object.values(collected.values).map((value) => value.reveal());
    for (const claim of outcome.conditions ?? []) claim.message += \` (\${words.join()})\`;
    return { ...outcome, quiet: false };`,
      },
    ],
    why: 'Whoever may read resources may sign in.',
  },
  {
    name: 'password-quoted-by-the-remote-shown',
    law: 7,
    kinds: node,
    edits: [
      {
        file: 'src/engine/clean.ts',
        find: 'if (long.length === 0) return value;',
        replace: 'if (long.length >= 0) return value;',
      },
    ],
    why: 'The remote quotes the password of a BMC in an error, and the status shows it to everybody.',
  },
];
