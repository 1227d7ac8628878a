import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../src/engine/resource.ts';
import type { KubeObject } from '../src/kube/types.ts';
import type { SandboxInfo } from '../src/sandbox/sandbox.ts';

const root = path.resolve(import.meta.dirname, '..');

/** A call of the sandbox's control API (docs/sandbox.md). */
export async function control<T>(info: SandboxInfo, method: string, call: string, body: object): Promise<T> {
  const response = await fetch(`${info.control}/${call}`, { method, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the sandbox refused ${method} ${call}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** What a sample leaves to its reader, by the words in angle brackets. */
type Answers = Record<string, string>;

async function sdpfAnswers(info: SandboxInfo): Promise<Answers> {
  const existing = await control<{ id: string }>(info, 'POST', 'servers', { name: 'bought-by-hand' });
  const { apiKey, apiSecret, region, tenantID, authURL, imageRef, flavorRef, networkID, vcenterLicenseType } =
    info.sdpf;
  return {
    'API key': apiKey,
    'API secret key': apiSecret,
    region,
    'tenant ID': tenantID,
    'Keystone URL': authURL,
    image: imageRef,
    flavor: flavorRef,
    network: networkID,
    'server ID': existing.id,
    'vCenter licence type': vcenterLicenseType,
    'vCenter password': 'not-a-real-one',
  };
}

function cloudosAnswers({ cloudos }: SandboxInfo): Answers {
  const { authURL, endpoint, project, username, password, driver } = cloudos;
  return {
    'Keystone URL': authURL,
    'gateway URL': endpoint,
    project,
    'user name': username,
    password,
    driver,
    'BMC address': '192.0.2.11',
    'BMC user': 'bmc-user',
    'BMC password': 'not-a-real-one',
  };
}

/** A file of deploy/samples, filled in. */
export interface Sample {
  file: string;
  /** YAML that can be applied. */
  text: string;
  objects: KubeObject[];
  /** The resources of ours in it, as `Kind/name`. */
  resources: string[];
}

/** All samples, filled in from the sandbox; the server that one of them speaks of is bought there first. */
export async function filledSamples(info: SandboxInfo): Promise<Sample[]> {
  const [sdpf, cloudos] = [await sdpfAnswers(info), cloudosAnswers(info)];
  return globSync('deploy/samples/*.yaml', { cwd: root })
    .sort()
    .map((file) => {
      const values = path.basename(file).startsWith('cloudos') ? cloudos : sdpf;
      const text = readFileSync(path.join(root, file), 'utf8').replaceAll(/<([^<>\n]+)>/g, (_, name: string) => {
        if (values[name] === undefined) throw new Error(`${file}: nothing is known to fill <${name}> with`);
        return values[name];
      });
      const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject);
      const resources = objects
        .filter(({ apiVersion }) => apiVersion.includes('freehold.dev/'))
        .map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      return { file, text, objects, resources };
    });
}

/** Is it well by its present spec? A registration is so once the platform meters its vCenter. */
export function isWell({ metadata, status }: Resource): boolean {
  const is = (type: string) => status?.conditions?.find((condition) => condition.type === type);
  const ready = is('Ready');
  const metering = is('MeteringHealthy');
  return (
    ready?.status === 'True' &&
    ready.observedGeneration === metadata.generation &&
    (metering === undefined || metering.status === 'True')
  );
}
