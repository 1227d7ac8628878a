import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../src/kube/types.ts';
import type { SandboxInfo } from '../src/sandbox/sandbox.ts';

const root = path.resolve(import.meta.dirname, '..');

/** One file of deploy/samples with all that it leaves to its reader filled in. */
export interface FilledSample {
  /** As `deploy/samples/sdpf.yaml`. */
  file: string;
  text: string;
  objects: KubeObject[];
}

/** What a sample leaves to its reader, by the words in angle brackets. */
type Answers = Record<string, string>;

function sdpfAnswers({ sdpf }: SandboxInfo, existingServer: string): Answers {
  return {
    'API key': sdpf.apiKey,
    'API secret key': sdpf.apiSecret,
    region: sdpf.region,
    'tenant ID': sdpf.tenantID,
    'Keystone URL': sdpf.authURL,
    image: sdpf.imageRef,
    flavor: sdpf.flavorRef,
    network: sdpf.networkID,
    'server ID': existingServer,
    'vCenter licence type': sdpf.vcenterLicenseType,
    'vCenter password': 'not-a-real-one',
  };
}

function cloudosAnswers({ cloudos }: SandboxInfo): Answers {
  return {
    'Keystone URL': cloudos.authURL,
    'gateway URL': cloudos.endpoint,
    project: cloudos.project,
    'user name': cloudos.username,
    password: cloudos.password,
    driver: cloudos.driver,
    'BMC address': '192.0.2.11',
    'BMC user': 'bmc-user',
    'BMC password': 'not-a-real-one',
  };
}

/** The samples for a sandbox that holds a server which somebody bought by other means. */
export function filledSamples(info: SandboxInfo, existingServer: string): FilledSample[] {
  const [sdpf, cloudos] = [sdpfAnswers(info, existingServer), cloudosAnswers(info)];
  return globSync('deploy/samples/*.yaml', { cwd: root })
    .sort()
    .map((file) => {
      const answers = path.basename(file).startsWith('cloudos') ? cloudos : sdpf;
      const text = readFileSync(path.join(root, file), 'utf8').replaceAll(/<([^<>\n]+)>/g, (_, name: string) => {
        if (answers[name] === undefined) throw new Error(`${file}: nothing is known to fill <${name}> with`);
        return answers[name];
      });
      return { file, text, objects: parseAllDocuments(text).map((document) => document.toJS() as KubeObject) };
    });
}
